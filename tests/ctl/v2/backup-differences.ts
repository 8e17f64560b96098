import { type Difference, differences } from '../differences.ts';
import { utlDifferences } from '../kvutl-differences.ts';

/**
 * Where `backup` of kvctl and kvutl, and that of etcdctl and etcdutl 3.5.16, differ on purpose, as `differences.ts` for
 * kvctl. One more is in what they make: etcd's copy has ids of the old member and cluster in its log and, where that
 * begins with the first entry, a member in its database that does not exist; ours has new ids, and no such member.
 */
export const backupDifferences = {
  'log-lines': utlDifferences['log-lines'],
  'one-line-of-usage': utlDifferences['one-line-of-usage'],
  'usage-text': differences['usage-text'],
  'plain-error': {
    reason:
      'What fails ends etcd with a log line of level "fatal" and the stack of Go, and leaves empty folders behind. ' +
      'kvctl says what is wrong in one line, and leaves nothing.',
    normalize: (result) => ({
      ...result,
      stderr: result.stderr.replace(
        /^(\d{4}-\d\d-\d\dT[\d:]+Z\tfatal\t[\s\S]*|Error: +[^\n]+\n)$/,
        'an error',
      ),
    }),
  },
  'cut-log': {
    reason:
      'Of a log that was cut off etcd copies what is left, or nothing, as if that were all. kvctl says where it ends.',
    normalize: () => ({ exitCode: 1, stdout: '', stderr: 'an error' }),
  },
  'keeps-what-is-there': {
    reason: 'etcd deletes what it finds in the folder of the log that it makes. kvctl refuses.',
    normalize: () => ({ exitCode: 1, stdout: '', stderr: 'an error' }),
  },
} satisfies Readonly<Record<string, Difference>>;

/** Names a difference. */
export type BackupDifferenceName = keyof typeof backupDifferences;
