import type { SnapshotContents } from '@kvorum/server/offline';
import { badArguments } from '../exit-error.ts';
import { goQuote } from '../output/go-quote.ts';
import { hexId, humanBytes } from '../output/go-text.ts';
import type { LineWriter } from '../output/rendering.ts';
import { defineCommand } from '../program/command.ts';
import { loadOffline, onFiles, requireFile } from './offline-tools.ts';
import { withProgress } from './with-progress.ts';

const permissionTypes = ['read', 'write', 'readwrite'] as const;
const alarmTypes = ['NONE', 'NOSPACE', 'CORRUPT'] as const;

/** Kvorum's own: what will come with a snapshot, before it is restored. */
export const snapshotInspect = defineCommand({
  use: 'inspect <filename>',
  long: `Shows all that a snapshot file holds beside keys: revisions, leases, users, roles, alarms, and the members of the
cluster that it is of. Every page is read, and the hash at its end compared.`,
  flags: {},
  run: async (invocation) => {
    const [path] = invocation.args;
    if (path === undefined || invocation.args.length !== 1) {
      throw badArguments('snapshot inspect requires exactly one argument');
    }
    invocation.globals();
    const contents = await onFiles(async () => {
      requireFile(path, 'open');
      const { readSnapshot, tools } = await loadOffline();
      return await withProgress(invocation.host, (progress) =>
        readSnapshot(tools.disk, path, progress),
      );
    });
    await invocation.print({
      simple: (line) => writeContents(line, contents),
      json: () => contentsJson(contents),
    });
  },
});

function writeContents(line: LineWriter, contents: SnapshotContents): void {
  const { status, hasHash, meta, clusterVersion, members, leases, auth, alarms } = contents;
  const schema = status.version === '' ? 'before 3.6' : status.version;
  line(`size: ${humanBytes(BigInt(status.totalBytes))}, schema ${schema}`);
  line(`hash: ${status.hash.toString(16)}, sha256 ${hasHash ? 'verified' : 'missing'}`);
  line(`revision: ${status.revision}, compacted ${meta.scheduledCompactRevision}`);
  line(`raft: index ${meta.consistentIndex}, term ${meta.term}`);
  line(`cluster version: ${clusterVersion ?? 'unknown'}`);
  for (const { id, name, peerUrls } of members) {
    line(`member ${id.toString(16)}: ${name}, ${peerUrls.join(',')}`);
  }
  for (const { memberId, alarm } of alarms) {
    line(`alarm: ${alarmTypes[alarm] ?? alarm} at ${memberId.toString(16)}`);
  }
  for (const { id, ttlSeconds, remainingSeconds } of leases) {
    const left = remainingSeconds > 0 ? `, remaining(${remainingSeconds}s)` : '';
    line(`lease ${hexId(id)}: TTL(${ttlSeconds}s)${left}`);
  }
  line(`authentication: ${auth.isEnabled ? 'enabled' : 'disabled'}, revision ${auth.revision}`);
  for (const { name, roles } of auth.users) {
    line(`user ${Buffer.from(name).toString()}: ${roles.join(' ')}`.trimEnd());
  }
  for (const { name, keyPermission } of auth.roles) {
    const role = Buffer.from(name).toString();
    if (keyPermission.length === 0) line(`role ${role}:`);
    for (const { permType, key, rangeEnd } of keyPermission) {
      const range =
        rangeEnd.length === 0 ? goQuote(key) : `[${goQuote(key)}, ${goQuote(rangeEnd)})`;
      line(`role ${role}: ${permissionTypes[permType]} ${range}`);
    }
  }
}

/** Ids are numbers, also where they fill 64 bits, as in all JSON of etcd; keys are base64. */
function contentsJson(contents: SnapshotContents): string {
  const { status, hasHash, meta, clusterVersion, members, leases, auth, alarms } = contents;
  const value = {
    ...status,
    hasHash,
    ...meta,
    clusterVersion: clusterVersion ?? '',
    members: members.map(({ id, name, peerUrls }) => ({ id, name, peerUrls })),
    alarms,
    leases,
    authEnabled: auth.isEnabled,
    authRevision: auth.revision,
    users: auth.users.map(({ name, roles }) => ({ name: textOf(name), roles })),
    roles: auth.roles.map(({ name, keyPermission }) => ({
      name: textOf(name),
      permissions: keyPermission.map(({ permType, key, rangeEnd }) => ({
        type: permissionTypes[permType],
        key: Buffer.from(key).toString('base64'),
        rangeEnd: Buffer.from(rangeEnd).toString('base64'),
      })),
    })),
  };
  const text = JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'bigint' ? `bigint:${part}` : part,
  );
  return text.replace(/"bigint:(-?\d+)"/g, '$1');
}

function textOf(name: Uint8Array): string {
  return Buffer.from(name).toString();
}
