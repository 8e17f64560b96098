import { LeaseRevokeResponseSchema } from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import { parseDecimalInt64 } from '../../flags/go-number.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';
import { onlyLeaseId } from './lease-arguments.ts';
import {
  grantRendering,
  leasesRendering,
  revokeRendering,
  timeToLiveRendering,
} from './lease-renderings.ts';

export const grant = defineCommand({
  use: 'grant <ttl>',
  flags: {},
  run: async (invocation) => {
    const [text, ...more] = invocation.args;
    if (text === undefined || more.length > 0) {
      throw badArguments('lease grant command needs TTL argument');
    }
    const TTL = ttlOf(text);
    const client = await invocation.client();
    const call = client.lease.leaseGrant({ TTL }, invocation.callOptions());
    await invocation.print(grantRendering(await call.catch(asFailureTo('grant lease'))));
  },
});

export const revoke = defineCommand({
  use: 'revoke <leaseID>',
  flags: {},
  run: async (invocation) => {
    const ID = onlyLeaseId(invocation.args, 'lease revoke command needs 1 argument');
    const client = await invocation.client();
    const call = client.lease.leaseRevoke({ ID }, invocation.callOptions());
    const response = await call.catch(asFailureTo('revoke lease'));
    await invocation.print(revokeRendering(ID, LeaseRevokeResponseSchema, response));
  },
});

export const timeToLive = defineCommand({
  use: 'timetolive <leaseID> [options]',
  flags: { keys: booleanFlag('Get keys attached to this lease') },
  run: async (invocation) => {
    const usage = 'lease timetolive command needs lease ID as argument';
    const { keys } = invocation.flags;
    const { args } = invocation;
    if (args.length !== 1) throw badArguments(usage);
    const client = await invocation.client();
    const ID = onlyLeaseId(args, usage);
    const call = client.lease.leaseTimeToLive({ ID, keys }, invocation.callOptions());
    const response = await call.catch(asBadConnection);
    await invocation.print(timeToLiveRendering(response, keys));
  },
});

export const list = defineCommand({
  use: 'list',
  flags: {},
  run: async (invocation) => {
    const client = await invocation.client();
    const call = client.lease.leaseLeases({}, invocation.callOptions());
    await invocation.print(leasesRendering(await call.catch(asBadConnection)));
  },
});

function ttlOf(text: string): bigint {
  try {
    return parseDecimalInt64(text);
  } catch (error) {
    throw badArguments(`bad TTL (${(error as Error).message})`);
  }
}

/** Puts the error of a call in the words that etcdctl has for it. */
function asFailureTo(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ClientError)) throw error;
    throw new ExitError(exitCodes.error, `failed to ${what} (${errorText(error)})`);
  };
}

/** Errors of these calls have the exit code of a bad connection in etcdctl. */
export function asBadConnection(error: unknown): never {
  if (!(error instanceof ClientError)) throw error;
  throw new ExitError(exitCodes.badConnection, errorText(error));
}
