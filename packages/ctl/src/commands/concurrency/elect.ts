import { create } from '@bufbuild/protobuf';
import {
  Event_EventType as EventType,
  type KeyValue,
  RangeResponseSchema,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from '@kvorum/api';
import { prefixEnd, type RpcClient } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import type { Host } from '../../host.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { defineCommand } from '../../program/command.ts';
import type { Invocation } from '../../program/invocation.ts';
import { rangeRendering } from '../kv/kv-renderings.ts';
import { ResumingWatch } from '../watch/resuming-watch.ts';
import { fired } from './lock.ts';
import { Queue } from './queue.ts';
import { Session } from './session.ts';

/** TTL of a candidate's lease, in seconds; etcd's. */
const sessionTtlSeconds = 60n;

export const elect = defineCommand({
  use: 'elect <election-name> [proposal]',
  flags: { listen: booleanFlag('observation mode', false, 'l') },
  run: async (invocation) => {
    const [name, proposal, ...more] = invocation.args;
    if (name === undefined || more.length > 0) {
      throw badArguments(
        'elect takes one election name argument and an optional proposal argument',
      );
    }
    const { listen } = invocation.flags;
    if (proposal === undefined) {
      if (!listen) throw badArguments('no proposal argument but -l not set');
      await observe(invocation, name);
    } else {
      if (listen) throw badArguments('proposal given but -l is set');
      await campaign(invocation, name, proposal);
    }
  },
});

async function campaign(invocation: Invocation, name: string, proposal: string): Promise<void> {
  const { host } = invocation;
  const interrupted = host.interrupted();
  const client = await invocation.client();
  await using session = await Session.open(client, host, sessionTtlSeconds);
  const queue = new Queue(client, host, name, session.leaseId);
  const { keyValue, revision } = await queue.turn(bytesOfText(proposal), interrupted);
  await printLeader(invocation, keyValue, revision);
  await Promise.race([fired(interrupted), fired(session.expired)]);
  if (!interrupted.aborted) throw new ExitError(exitCodes.error, 'elect: session expired');
  await queue.leave();
}

async function observe(invocation: Invocation, name: string): Promise<void> {
  const interrupted = invocation.host.interrupted();
  const client = await invocation.client();
  const prefix = bytesOfText(`${name}/`);
  for await (const { leader, revision } of leaders(client, invocation.host, prefix, interrupted)) {
    await printLeader(invocation, leader, revision);
  }
}

async function printLeader(
  invocation: Invocation,
  keyValue: KeyValue,
  revision: bigint,
): Promise<void> {
  const kvs = [keyValue];
  const response = create(RangeResponseSchema, { header: { revision }, kvs, count: 1n });
  await invocation.print(rangeRendering(response));
}

/** The leader of an election, and each that comes after it, and each of their proposals, until the signal fires. */
async function* leaders(
  client: RpcClient,
  host: Host,
  prefix: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<{ readonly leader: KeyValue; readonly revision: bigint }> {
  const rangeEnd = prefixEnd(prefix);
  const first = { sortOrder: SortOrder.ASCEND, sortTarget: SortTarget.CREATE, limit: 1n };
  while (!signal.aborted) {
    const { kvs, header } = await client.kv.range({ key: prefix, rangeEnd, ...first });
    const revision = header?.revision ?? 0n;
    const [leader] = kvs;
    if (leader !== undefined) yield { leader, revision };
    const span = leader === undefined ? { key: prefix, rangeEnd } : { key: leader.key };
    const request = { ...span, startRevision: revision + 1n };
    const watch = new ResumingWatch(client, host, request);
    for await (const answer of watch.responses(signal)) {
      const proposals = answer.events.filter((event) => event.type === EventType.PUT);
      const isOver = proposals.length < answer.events.length;
      // Without a leader the first put says that there is one now; it is read again, with its order.
      if (leader === undefined && proposals.length > 0) break;
      for (const { kv } of proposals) {
        if (kv !== undefined) yield { leader: kv, revision: answer.header?.revision ?? 0n };
      }
      if (isOver) break;
    }
  }
}
