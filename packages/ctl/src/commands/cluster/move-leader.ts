import { MoveLeaderResponseSchema } from '@kvorum/api';
import type { RpcClient } from '@kvorum/client';
import { badArguments } from '../../exit-error.ts';
import { parseHexUint64 } from '../../flags/go-number.ts';
import { goList } from '../../output/go-values.ts';
import { defineCommand } from '../../program/command.ts';
import type { Invocation } from '../../program/invocation.ts';

export const moveLeader = defineCommand({
  use: 'move-leader <transferee-member-id>',
  flags: {},
  run: async (invocation) => {
    const targetID = onlyTarget(invocation.args);
    const [leader, leaderId] = await findLeader(invocation);
    const response = await leader.maintenance.moveLeader({ targetID }, invocation.callOptions());
    const from = leaderId.toString(16);
    const to = targetID.toString(16);
    await invocation.print({
      simple: (line) => line(`Leadership transferred from ${from} to ${to}`),
      message: [MoveLeaderResponseSchema, response],
    });
  },
});

function onlyTarget(args: readonly string[]): bigint {
  const [text, ...more] = args;
  if (text === undefined || more.length > 0)
    throw badArguments('move-leader command needs 1 argument');
  try {
    return parseHexUint64(text);
  } catch (error) {
    throw badArguments((error as Error).message);
  }
}

/** The endpoint that leads, among those given, and its id. Rejects with `ExitError` when none does. */
async function findLeader(invocation: Invocation): Promise<readonly [RpcClient, bigint]> {
  const { endpoints } = invocation.globals();
  for (const endpoint of endpoints) {
    const client = await invocation.clientOf([endpoint]);
    const { header, leader } = await client.maintenance.status({}, invocation.callOptions());
    if (header?.memberId === leader) return [client, leader];
  }
  throw badArguments(`no leader endpoint given at ${goList(endpoints)}`);
}
