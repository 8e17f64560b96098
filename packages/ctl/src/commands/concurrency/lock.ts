import { create } from '@bufbuild/protobuf';
import { RangeResponseSchema } from '@kvorum/api';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { integerFlag } from '../../flags/flag.ts';
import { textOfBytes } from '../../output/byte-text.ts';
import { defineCommand } from '../../program/command.ts';
import { runChild } from '../../run-child.ts';
import { rangeRendering } from '../kv/kv-renderings.ts';
import { Queue } from './queue.ts';
import { Session } from './session.ts';

export const lock = defineCommand({
  use: 'lock <lockname> [exec-command arg1 arg2 ...]',
  flags: { ttl: integerFlag('timeout for session', 10n) },
  run: async (invocation) => {
    const [name, ...command] = invocation.args;
    if (name === undefined) {
      throw badArguments('lock takes a lock name argument and an optional command to execute');
    }
    const { host } = invocation;
    const interrupted = host.interrupted();
    const client = await invocation.client();
    await using session = await Session.open(client, host, invocation.flags.ttl);
    const queue = new Queue(client, host, name, session.leaseId);
    const { keyValue, revision } = await queue.turn(new Uint8Array(), interrupted);
    if (command.length > 0) {
      const env = { ETCD_LOCK_KEY: textOfBytes(queue.key), ETCD_LOCK_REV: String(revision) };
      const { exitCode, failure } = await runChild(command, { ...env, ...host.env }, host);
      if (failure !== undefined) throw new ExitError(exitCode, failure);
      return exitCodes.ok;
    }
    const header = { revision };
    const response = create(RangeResponseSchema, { header, kvs: [keyValue], count: 1n });
    await invocation.print(rangeRendering(response));
    await Promise.race([fired(interrupted), fired(session.expired)]);
    if (!interrupted.aborted) throw new ExitError(exitCodes.error, 'session expired');
    await queue.leave();
    return exitCodes.ok;
  },
});

/** Resolves when a signal fires. */
export function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
