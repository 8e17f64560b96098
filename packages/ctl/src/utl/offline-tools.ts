import { statSync } from 'node:fs';
import type { Disk, OfflineTools } from '@kvorum/server/offline';
import { ExitError, exitCodes } from '../exit-error.ts';
import type { Invocation } from '../program/invocation.ts';

/** What works on files and folders, loaded when it is first wanted. */
export async function loadOffline() {
  const offline = await import('@kvorum/server/offline');
  const tools: OfflineTools & { readonly disk: Disk } = {
    disk: offline.nodeDisk(),
    engines: offline.rocksDbFolders(),
  };
  return { ...offline, tools };
}

/** Names of errors that say what is wrong with files or arguments, and not with the program. */
const EXPECTED = ['ConfigError', 'DatabaseFileError', 'MvccError', 'OfflineError', 'WalError'];

/** Texts of the system's errors, as Go has them. */
const systemTexts: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EROFS: 'read-only file system',
};

/** Runs `work`, and turns what it says of files and folders into the error of a command. */
export async function onFiles<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const text = textOf(error);
    if (text === undefined) throw error;
    throw new ExitError(exitCodes.error, text);
  }
}

/** What etcd says of revisions that can't be read, by the store's codes. */
const revisionTexts: Readonly<Record<string, string>> = {
  compacted: 'mvcc: required revision has been compacted',
  futureRevision: 'mvcc: required revision is a future revision',
};

/** Undefined for what nobody expects, which is a bug. */
function textOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const known = 'code' in error ? revisionTexts[String(error.code)] : undefined;
  if (known !== undefined) return known;
  if (EXPECTED.includes(error.name)) return error.message;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  const reason = systemTexts[code] ?? error.message;
  return path === undefined ? `${syscall}: ${reason}` : `${syscall} ${path}: ${reason}`;
}

/** Throws `ExitError` for a folder, in the words of etcdutl, which fails at `verb`; Node's error when there is nothing. */
export function requireFile(path: string, verb: string): void {
  if (!statSync(path).isDirectory()) return;
  throw new ExitError(exitCodes.error, `${verb} ${path}: is a directory`);
}

const RETRY_MS = 100;

/** As `onFiles`, but waits for --timeout while another process has the folder. */
export async function onMemberFolder<T>(
  invocation: Invocation,
  work: () => Promise<T>,
): Promise<T> {
  const { host } = invocation;
  const { timeout } = invocation.globals() as unknown as { readonly timeout: number };
  const deadline = timeout === 0 ? Number.POSITIVE_INFINITY : host.now() + timeout;
  for (;;) {
    try {
      return await onFiles(work);
    } catch (error) {
      const isLocked = error instanceof ExitError && /: locked by /.test(error.message);
      if (!isLocked || host.now() + RETRY_MS > deadline) throw error;
      await new Promise<void>((resolve) => host.after(RETRY_MS, resolve));
    }
  }
}
