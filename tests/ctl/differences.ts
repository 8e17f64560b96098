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
export const everywhere: readonly DifferenceName[] = ['retry-log'];

function withoutLines(text: string, pattern: RegExp): string {
  return text
    .split('\n')
    .filter((line) => !pattern.test(line))
    .join('\n');
}

function asciiTable(text: string): string {
  const unicode = Buffer.from(text, 'latin1').toString();
  return unicode
    .replace(/[┌┬┐├┼┤└┴┘]/g, '+')
    .replaceAll('─', '-')
    .replaceAll('│', '|');
}
