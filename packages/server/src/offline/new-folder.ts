import type { Disk, DiskLock } from '@kvorum/wal';
import type { EngineFolders } from '../engine-folders.ts';
import { folderOf } from '../storage.ts';
import { MadeFolders } from './made-folders.ts';
import { OfflineError } from './offline-error.ts';

/** The name of a member's folder until it is complete. */
const UNFINISHED = 'member.restoring';

/** What is made of a data folder, all or nothing. */
export class NewDataFolder {
  /** Where the member is built. */
  readonly memberDir: string;
  /** Where its log is built. */
  readonly walDir: string;
  readonly #disk: Disk;
  readonly #folders: EngineFolders;
  readonly #dataDir: string;
  /** Where the log goes in the end, when that is not within the data folder. */
  readonly #outerWalDir: string | undefined;
  readonly #made: MadeFolders;
  #lock: DiskLock | undefined;

  /** Checks that nothing is in the way, and changes nothing. Throws `OfflineError` in etcdutl's words. */
  constructor(disk: Disk, folders: EngineFolders, dataDir: string, walDir: string | undefined) {
    this.#disk = disk;
    this.#folders = folders;
    this.#dataDir = dataDir;
    this.#outerWalDir = walDir;
    this.#made = new MadeFolders(disk, folders);
    this.memberDir = `${dataDir}/${UNFINISHED}`;
    this.walDir = walDir === undefined ? `${this.memberDir}/wal` : `${walDir}.restoring`;
    if (disk.exists(dataDir) && !isFree(disk, dataDir)) {
      throw new OfflineError(
        'exists',
        `data-dir ${quoted(dataDir)} not empty or could not be read`,
      );
    }
    if (walDir !== undefined && disk.exists(walDir)) {
      throw new OfflineError('exists', `wal-dir ${quoted(walDir)} exists`);
    }
  }

  /** Makes the folder in which the member is built; what another attempt left there, when its process died, goes. */
  begin(): void {
    const { memberDir, walDir } = this;
    this.#made.make(memberDir);
    // Another process may be at work there.
    this.#lock = this.#disk.lock(`${memberDir}/lock`);
    for (const name of this.#disk.list(memberDir)) {
      if (name !== 'lock') this.#folders.remove(`${memberDir}/${name}`);
    }
    if (this.#outerWalDir === undefined) return;
    this.#made.make(folderOf(walDir));
    this.#removeOuterLog();
  }

  /**
   * Gives everything its name, durably. The folder of the member comes first: without its log no server starts on it.
   */
  finish(): void {
    const finalDir = `${this.#dataDir}/member`;
    this.#disk.syncDir(this.memberDir);
    this.#folders.rename(this.memberDir, finalDir);
    if (this.#outerWalDir !== undefined) {
      try {
        this.#folders.rename(this.walDir, this.#outerWalDir);
      } catch (error) {
        this.#folders.remove(finalDir);
        throw error;
      }
      this.#folders.remove(`${this.walDir}.lock`);
    }
    this.#lock?.release();
  }

  /** Leaves nothing of what was begun. */
  abandon(): void {
    if (this.#lock !== undefined) {
      this.#folders.remove(this.memberDir);
      if (this.#outerWalDir !== undefined) this.#removeOuterLog();
      this.#lock.release();
    }
    this.#made.removeAll();
  }

  #removeOuterLog(): void {
    for (const suffix of ['', '.tmp', '.lock']) this.#folders.remove(this.walDir + suffix);
  }
}

/** Whether a folder has nothing in it but what an attempt that died has left. */
function isFree(disk: Disk, dataDir: string): boolean {
  try {
    return disk.list(dataDir).every((name) => name === UNFINISHED);
  } catch {
    return false;
  }
}

function quoted(path: string): string {
  return JSON.stringify(path);
}
