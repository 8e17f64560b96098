import type { Disk } from '@kvorum/wal';
import type { EngineFolders } from '../engine-folders.ts';
import { folderOf, makeFolder } from '../storage.ts';

/** The folders that were made for a work: they go when it is given up. */
export class MadeFolders {
  readonly #disk: Disk;
  readonly #folders: EngineFolders;
  /** The highest folder of each path that wasn't there. */
  readonly #highest: string[] = [];

  constructor(disk: Disk, folders: EngineFolders) {
    this.#disk = disk;
    this.#folders = folders;
  }

  /** Makes a folder with its parents, durably; nothing happens when it is there. */
  make(path: string): void {
    let missing: string | undefined;
    for (let at = path; !this.#disk.exists(at); at = folderOf(at)) missing = at;
    if (missing !== undefined) this.#highest.push(missing);
    makeFolder(this.#disk, path);
  }

  /** Removes those that were made, with all that is in them. */
  removeAll(): void {
    for (const folder of this.#highest) this.#folders.remove(folder);
  }
}
