import type { ProgramResult } from './in-process.ts';

/** A difference from etcdctl 3.5.16 that is meant, and how to look past it and see everything else. */
export interface Difference {
  readonly reason: string;
  /** Applied to what either program did before they are compared. */
  readonly normalize: (result: ProgramResult) => ProgramResult;
}

/**
 * Where kvctl and etcdctl 3.5.16 differ on purpose. A step of a golden table names those that it meets, apart from the
 * ones in `everywhere`.
 */
export const differences = {
  'retry-log': {
    reason:
      'etcdctl logs each failed attempt of a call as a line of JSON before it says what is wrong. kvctl says it once, ' +
      'with what was tried on each endpoint.',
    normalize: (result) => ({
      ...result,
      stderr: withoutLines(result.stderr, /^\{"level":"warn".*retrying of unary invoker failed/),
    }),
  },
  'usage-text': {
    reason:
      'Since 3.6 help and usage have the layout of cobra, and global flags are listed by `etcdctl options` alone. After ' +
      'an error, 3.5 prints the usage to standard output and the error twice; now both go to standard error, once.',
    normalize: (result) => ({
      ...result,
      stdout: '',
      stderr: (result.stderr.split('\n')[0] ?? '').trimEnd(),
    }),
  },
  'del-warning': {
    reason:
      'Since 3.6 a range is deleted after a warning and two seconds, unless --range was given.',
    normalize: (result) => ({
      ...result,
      stderr: withoutLines(result.stderr, /^(Warning: Keys between|In etcd v3.6)/),
    }),
  },
  'txn-usage': {
    reason:
      'etcdctl prints how a command is used before it says that a line of a transaction is no such command.',
    normalize: (result) => ({
      ...result,
      stderr: result.stderr.replace(/^.*?(?=^Error: invalid txn request)/ms, ''),
    }),
  },
  'learner-added': {
    reason: 'Since 3.6 `member add` says that what was added is a learner.',
    normalize: (result) => ({
      ...result,
      stdout: result.stdout.replace(' added as learner to ', ' added to '),
    }),
  },
  'hash-revision': {
    reason: 'Since 3.6 `endpoint hashkv` shows the revision that was hashed.',
    normalize: (result) => ({
      ...result,
      stdout: result.stdout
        .replace(/^([^,"]*, \d+), \d+$/gm, '$1')
        .replace(/,"hash_revision":\d+/g, '')
        .replace(/^"HashRevision" : .*\n/gm, ''),
    }),
  },
  'status-columns': {
    reason:
      'Since 3.6 `endpoint status` shows sizes in use, the quota, the storage version and downgrades.',
    normalize: (result) => ({ ...result, stdout: oldStatus(result.stdout) }),
  },
  'snapshot-progress': {
    reason:
      'etcdctl logs the progress of a snapshot as lines of JSON; kvctl does not. Since 3.6 the version of the server is told.',
    normalize: (result) => ({
      ...result,
      stderr: withoutLines(result.stderr, /^\{"level":/),
      stdout: withoutLines(result.stdout, /^Server version /),
    }),
  },
  'check-progress': {
    reason: 'kvctl shows how far a check has come on terminals only, and on standard error.',
    normalize: (result) => ({ ...result, stdout: result.stdout.replace(/\r[^\n]*\n/g, '') }),
  },
  'snapshot-usage': {
    reason: 'Since 3.6 the missing argument is named.',
    normalize: (result) => ({ ...result, stderr: result.stderr.replace(' <filename>', '') }),
  },
  'snapshot-error': {
    reason: 'The reason why a file cannot be opened is in the words of Node.',
    normalize: (result) => ({ ...result, stderr: result.stderr.replace(/\(.*\)/, '(REASON)') }),
  },
  'what-was-tried': {
    reason: 'Where no endpoint gave an answer, kvctl says of each why not.',
    normalize: (result) => {
      const tried = /\n? {2}\S+: (dns|connect|tls|timeout|auth|no-leader): [^\n)]*/g;
      return { ...result, stderr: result.stderr.replace(tried, ''), stdout: result.stdout };
    },
  },
  'log-caller': {
    reason: 'A line of log names no place in a source file and no stack.',
    normalize: (result) => ({
      ...result,
      stderr: result.stderr.replace(/,"(caller|stacktrace)":"[^"]*"/g, ''),
    }),
  },
  'zero-revision': {
    reason: 'Since 3.6 `fields` leaves out a revision of 0, of answers that have none.',
    normalize: (result) => ({ ...result, stdout: withoutLines(result.stdout, /^"Revision" : 0$/) }),
  },
  'hex-members': {
    reason: 'A name in the JSON of members with --hex was misspelt in 3.5.',
    normalize: (result) => ({
      ...result,
      stdout: result.stdout.replaceAll('clientURLS', 'clientURLs'),
    }),
  },
  'hex-fields': {
    reason: 'Since 3.6 `fields` shows ids in base 16 with --hex.',
    normalize: (result) => ({
      ...result,
      stdout: result.stdout.replace(/^"(\w*ID|\w*Lease)" : .*$/gm, '"$1" : ID'),
    }),
  },
  'empty-list': {
    reason: 'Since 3.6 the JSON of no endpoints at all is null.',
    normalize: (result) => ({ ...result, stdout: result.stdout.replace(/^(\[\]|null)$/m, 'NONE') }),
  },
  'defrag-took': {
    reason: 'Since 3.6 `defrag` says how long it took.',
    normalize: (result) => ({ ...result, stdout: result.stdout.replace(/\. took \S+$/gm, '') }),
  },
  'root-role': {
    reason:
      'Servers before 3.6 have no permissions for role root, and 3.5 shows none; since 3.6 it shows that all is open. What later servers answer 3.5 takes for a prefix.',
    normalize: (result) => ({
      ...result,
      stdout: withoutLines(result.stdout, /^\t\[, <open ended>( \(prefix \))?$/),
    }),
  },
  'cancel-reason': {
    reason: 'Since 3.7 the JSON of a watch has the reason why it was cancelled.',
    normalize: (result) => ({
      ...result,
      stdout: result.stdout.replace(/,"CancelReason":"[^"]*"/g, ''),
    }),
  },
  'version-text': {
    reason: 'kvctl stands for etcdctl 3.7.',
    normalize: (result) => ({ ...result, stdout: result.stdout.replace(/\d+\.\d+(\.\d+)?/g, 'V') }),
  },
  'table-style': {
    reason: 'Since 3.7 tables have lines of Unicode.',
    normalize: (result) => ({ ...result, stdout: asciiTable(result.stdout) }),
  },
} satisfies Readonly<Record<string, Difference>>;

/** Names a difference. */
export type DifferenceName = keyof typeof differences;

/** Those that any step may meet. */
export const everywhere: readonly DifferenceName[] = ['retry-log', 'zero-revision'];

function withoutLines(text: string, pattern: RegExp): string {
  return text
    .split('\n')
    .filter((line) => !pattern.test(line))
    .join('\n');
}

/** Rows, JSON or fields of `endpoint status` as 3.5 has them. */
function oldStatus(text: string): string {
  const rows = text.split('\n').map((line) => {
    const cells = line.split(', ');
    const kept = [0, 1, 2, 4, 8, 9, 10, 11, 12, 13];
    return cells.length === 16 ? kept.map((at) => cells[at]).join(', ') : line;
  });
  return rows
    .join('\n')
    .replace(/,"(storageVersion|dbSizeQuota|downgradeInfo)":("[^"]*"|\d+|\{[^}]*\})/g, '')
    .replace(/^"(StorageVersion|DBSizeInUse|DBSizeQuota|Downgrade\w+)" : .*\n/gm, '');
}

function asciiTable(text: string): string {
  const unicode = Buffer.from(text, 'latin1').toString();
  return unicode
    .replace(/[┌┬┐├┼┤└┴┘]/g, '+')
    .replaceAll('─', '-')
    .replaceAll('│', '|');
}
