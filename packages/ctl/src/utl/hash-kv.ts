import { tmpdir } from 'node:os';
import { ExitError, exitCodes } from '../exit-error.ts';
import { integerFlag } from '../flags/flag.ts';
import { defineCommand } from '../program/command.ts';
import { loadOffline, onMemberFolder } from './offline-tools.ts';
import { withProgress } from './with-progress.ts';

/** The hash that `endpoint hashkv` would print of a member with this state. */
export const hashkv = defineCommand({
  use: 'hashkv <filename or data directory>',
  long: 'Prints the KV history hash of a snapshot, of a database of etcd, or of the data directory of a member that does not run.',
  flags: { rev: integerFlag('maximum revision to hash (default: latest revision)') },
  run: async (invocation) => {
    const [path] = invocation.args;
    if (path === undefined || invocation.args.length !== 1) {
      const text = `accepts 1 arg(s), received ${invocation.args.length}`;
      throw new ExitError(exitCodes.error, text);
    }
    invocation.globals();
    const revision = Number(invocation.flags.rev);
    const found = await onMemberFolder(invocation, async () => {
      const { hashKv, tools } = await loadOffline();
      const request = { path, revision, scratchDir: tmpdir() };
      return await withProgress(invocation.host, (progress) => hashKv(request, tools, progress));
    });
    const { hash, hashRevision, compactRevision } = found;
    const cells = [String(hash), String(hashRevision), String(compactRevision)];
    await invocation.print({
      simple: (line) => line(cells.join(', ')),
      fields: (line) => {
        line(`"Hash" : ${hash}`);
        line(`"Hash revision" : ${hashRevision}`);
        line(`"Compact revision" : ${compactRevision}`);
      },
      json: () =>
        `{"hash":${hash},"hashRevision":${hashRevision},"compactRevision":${compactRevision}}`,
      table: () => ({ head: ['hash', 'hash revision', 'compact revision'], rows: [cells] }),
    });
  },
});
