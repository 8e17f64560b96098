import { closeSync, constants, openSync, readFileSync, realpathSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { DiskLock } from './disk.ts';
import { WalError } from './errors.ts';

// Node has no flock. A lock file with a pid in it needs guesses after a crash (is that pid still the owner, or
// reused, or in another container?) and a takeover that two newcomers can both win. But Node contains SQLite,
// whose lock on a database file is the operating system's own: exclusive among all processes that see the
// file, also across containers, and gone the instant its owner dies, SIGKILL included. So the lock file is an
// empty database in an exclusive transaction that never writes.
//
// One care: POSIX drops a process's locks on a file when the process closes any descriptor of it. So nothing in
// this process may open the file once it is locked; `held` refuses a second lock before it would.

/** SQLite's code for "somebody else has the lock". */
const SQLITE_BUSY = 5;

/** Locks of this process by the real path of their file; also keeps them from being collected as garbage. */
const held = new Map<string, DatabaseSync>();

/** Locks the file at `path`; see `Disk.lock`. The folder must exist. */
export function lockFile(path: string): DiskLock {
  makeFile(path);
  const key = realpathSync(path);
  if (held.has(key))
    throw new WalError('locked', `${path}: locked by this process already`, { file: path });
  const sqlite = process.getBuiltinModule('node:sqlite') as
    | typeof import('node:sqlite')
    | undefined;
  if (sqlite === undefined)
    throw new Error('locking needs node:sqlite: start Node 22.12 with --experimental-sqlite');
  const database = new sqlite.DatabaseSync(path);
  try {
    // Without this SQLite would put a journal file beside.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    const pid = ownerOf(key);
    const owner = pid === 0 ? 'another process' : `process ${pid}`;
    throw new WalError('locked', `${path}: locked by ${owner}`, { file: path, cause: error });
  }
  held.set(key, database);
  return {
    release(): void {
      if (held.get(key) !== database) return;
      held.delete(key);
      database.close();
    },
  };
}

/** Makes the file with our mode, and only if absent: see above about descriptors. */
function makeFile(path: string): void {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
  try {
    closeSync(openSync(path, flags, 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY;
}

/** Pid of the process that locks the file, from Linux' list of locks; 0 where that cannot be known. */
function ownerOf(path: string): number {
  try {
    const inode = String(statSync(path).ino);
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      // 1: POSIX  ADVISORY  WRITE 7909 fe:00:9977962 1073741824 1073742335
      const match = / WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
      if (match !== null && match[2] === inode) return Number(match[1]);
    }
  } catch {
    // Not Linux, or /proc is hidden: the lock holds all the same.
  }
  return 0;
}
