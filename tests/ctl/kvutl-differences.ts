import type { Difference } from './differences.ts';

/** Where kvutl and etcdutl 3.5.16 differ on purpose, as `differences.ts` for kvctl. */
export const utlDifferences = {
  'storage-version': {
    reason:
      'Since 3.6 the status of a snapshot has the version of its storage, which is empty before.',
    normalize: (result) => ({
      ...result,
      stdout: result.stdout
        .replace(/^([0-9a-f]+, \d+, \d+, [^,\n]+), [\d.]*$/m, '$1')
        .replace(/,"version":"[^"]*"/, '')
        .replace(/^"Version" : .*\n/m, '')
        .split('\n')
        .map(fourColumns)
        .join('\n'),
    }),
  },
  'log-lines': {
    reason:
      "etcdutl's log names places in its source, an unused size of memory, and what it does to etcd's own files. kvutl " +
      'logs what it does.',
    normalize: (result) => ({
      ...result,
      stderr: result.stderr
        .split('\n')
        .filter((line) => !/^\d{4}-\d\d-\d\dT[\d:]+Z\t(info|warn)\t/.test(line))
        .join('\n'),
    }),
  },
  'one-line-of-usage': {
    reason:
      'After an error of flags, 3.5 prints the usage to standard output; kvutl prints it on standard error, as 3.7.',
    normalize: (result) => ({
      ...result,
      stdout: '',
      stderr: result.stderr.split('\n')[0] ?? '',
    }),
  },
  'resolved-urls': {
    reason:
      'kvutl compares URLs as they are written and says which one is missing; etcdutl resolves their names.',
    normalize: (result) => ({
      ...result,
      stderr: result.stderr.replace(/^(Error: --initial-cluster has ).*$/m, '$1…'),
    }),
  },
  'no-crash': {
    reason:
      'etcdutl crashes on files that are no database, or in pieces. kvutl says what is wrong with them, with exit code 1.',
    normalize: () => ({ exitCode: 1, stdout: '', stderr: 'an error' }),
  },
} satisfies Readonly<Record<string, Difference>>;

/** Names a difference. */
export type UtlDifferenceName = keyof typeof utlDifferences;

/** A line of a table with five columns, without the last one. */
function fourColumns(line: string): string {
  const pieces = line.split(/(?<=.)[+|]/);
  if (!/^[+|]/.test(line) || pieces.length !== 6) return line;
  return line.slice(0, line.slice(0, -1).search(/[+|][^+|]*$/) + 1);
}
