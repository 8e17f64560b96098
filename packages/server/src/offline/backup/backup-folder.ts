import type { Disk, DiskLock } from '@kvorum/wal';
import type { EngineFolders } from '../../engine-folders.ts';
import { folderOf } from '../../storage.ts';
import { MadeFolders } from '../made-folders.ts';
import { OfflineError } from '../offline-error.ts';

/** Ends the names of folders until they are complete. */
const UNFINISHED = '.backup';

/** Where a backup is made, all or nothing: in the end the data folder has a member, or is as it was. */
export class BackupFolder {
  /** Where snapshot and database are built. */
  readonly snapDir: string;
  /** Where the log is built. */
  readonly walDir: string;
  readonly #disk: Disk;
  readonly #folders: EngineFolders;
  readonly #made: MadeFolders;
  readonly #memberDir: string;
  readonly #finalSnapDir: string;
  readonly #finalWalDir: string;
  #lock: DiskLock | undefined;

  /** Checks that nothing is in the way, and changes nothing. Throws `OfflineError` "exists". */
  constructor(disk: Disk, folders: EngineFolders, dataDir: string, walDir: string | undefined) {
    this.#disk = disk;
    this.#folders = folders;
    this.#made = new MadeFolders(disk, folders);
    this.#memberDir = `${dataDir}/member`;
    this.#finalSnapDir = `${this.#memberDir}/snap`;
    this.#finalWalDir = walDir ?? `${this.#memberDir}/wal`;
    this.snapDir = `${this.#unfinishedDir}/snap`;
    this.walDir = walDir === undefined ? `${this.#unfinishedDir}/wal` : `${walDir}${UNFINISHED}`;
    for (const dir of [this.#finalSnapDir, this.#finalWalDir]) {
      if (!isFree(disk, dir)) throw inTheWay(dir);
    }
  }

  get #unfinishedDir(): string {
    return `${this.#memberDir}${UNFINISHED}`;
  }

  /** Makes the folders to build in; what another attempt left there, when its process died, goes. */
  begin(): void {
    this.#made.make(this.#unfinishedDir);
    // Another process may be at work there.
    this.#lock = this.#disk.lock(`${this.#unfinishedDir}/lock`);
    for (const name of this.#disk.list(this.#unfinishedDir)) {
      if (name !== 'lock') this.#folders.remove(`${this.#unfinishedDir}/${name}`);
    }
    this.#removeLog();
    this.#made.make(this.snapDir);
    this.#made.make(folderOf(this.walDir));
  }

  /** Gives everything its name, durably. The log comes last: without it no server takes the folder for a member's. */
  finish(): void {
    this.#made.make(this.#memberDir);
    this.#folders.rename(this.snapDir, this.#finalSnapDir);
    try {
      this.#folders.rename(this.walDir, this.#finalWalDir);
    } catch (error) {
      this.#folders.remove(this.#finalSnapDir);
      throw error;
    }
    this.#removeLog();
    this.#folders.remove(this.#unfinishedDir);
    this.#lock?.release();
  }

  /** Leaves nothing of what was begun. */
  abandon(): void {
    if (this.#lock !== undefined) {
      this.#removeLog();
      this.#folders.remove(this.#unfinishedDir);
      this.#lock.release();
    }
    this.#made.removeAll();
  }

  /** The unfinished log with what stands beside it. */
  #removeLog(): void {
    for (const suffix of ['', '.tmp', '.lock']) this.#folders.remove(this.walDir + suffix);
  }
}

/** Whether a folder is empty or not there. */
function isFree(disk: Disk, dir: string): boolean {
  try {
    return !disk.exists(dir) || disk.list(dir).length === 0;
  } catch {
    return false;
  }
}

function inTheWay(path: string): OfflineError {
  return new OfflineError('exists', `${path} is to be empty, and is not`);
}
