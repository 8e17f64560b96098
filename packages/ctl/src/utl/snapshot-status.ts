import type { SnapshotStatus } from '@kvorum/server/offline';
import { badArguments } from '../exit-error.ts';
import { jsonText } from '../output/go-json.ts';
import { humanBytes } from '../output/go-text.ts';
import type { Rendering } from '../output/rendering.ts';
import { defineCommand } from '../program/command.ts';
import { loadOffline, onFiles, requireFile } from './offline-tools.ts';
import { withProgress } from './with-progress.ts';

/** Hash, revision and size of a snapshot, if every page of it is sound. */
export const snapshotStatus = defineCommand({
  use: 'status <filename>',
  long: `When --write-out is set to simple, this command prints out comma-separated status lists for each endpoint.
The items in the lists are hash, revision, total keys, total size, version.
`,
  flags: {},
  run: async (invocation) => {
    const [path] = invocation.args;
    if (path === undefined || invocation.args.length !== 1) {
      throw badArguments('snapshot status requires exactly one argument');
    }
    invocation.globals();
    const status = await onFiles(async () => {
      requireFile(path, 'open');
      const { readSnapshotStatus, tools } = await loadOffline();
      return await withProgress(invocation.host, (progress) =>
        readSnapshotStatus(tools.disk, path, progress),
      );
    });
    await invocation.print(statusRendering(status));
  },
});

function statusRendering(status: SnapshotStatus): Rendering {
  const { hash, revision, totalKeys, totalBytes, version } = status;
  const cells = [
    hash.toString(16),
    String(revision),
    String(totalKeys),
    humanBytes(BigInt(totalBytes)),
    version,
  ];
  return {
    simple: (line) => line(cells.join(', ')),
    fields: (line) => {
      line(`"Hash" : ${hash}`);
      line(`"Revision" : ${revision}`);
      line(`"Keys" : ${totalKeys}`);
      line(`"Size" : ${totalBytes}`);
      line(`"Version" : ${version}`);
    },
    json: () =>
      `{"hash":${hash},"revision":${revision},"totalKey":${totalKeys},"totalSize":${totalBytes},"version":${jsonText(version)}}`,
    table: () => ({
      head: ['hash', 'revision', 'total keys', 'total size', 'version'],
      rows: [cells],
    }),
  };
}
