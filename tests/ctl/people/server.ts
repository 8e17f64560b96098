import { connectRpc, type RpcClient } from '@kvorum/client';
import { afterAll, beforeAll } from 'vitest';
import { startKvorum, type TestMember } from '../../framework/member.ts';
import { type ProgramCall, type ProgramResult, runKvctl } from '../in-process.ts';

/** A server for the tests of one file, with a client to prepare and look at it. */
export interface TestServer {
  readonly member: TestMember;
  readonly client: RpcClient;
  /** Runs kvctl against it; a text is cut at its spaces. Outputs come as UTF-8. */
  kvctl(args: string | readonly string[], call?: Partial<ProgramCall>): Promise<ProgramResult>;
}

/** Starts Kvorum before the tests of a file and stops it after them. The result is usable inside of tests. */
export function testServer(): TestServer {
  let member: TestMember | undefined;
  let client: RpcClient | undefined;
  beforeAll(async () => {
    member = await startKvorum();
    client = connectRpc({ endpoints: [member.endpoint] });
  });
  afterAll(async () => {
    client?.close();
    await member?.[Symbol.asyncDispose]();
  });
  const started = () => {
    if (member === undefined || client === undefined) throw new Error('the server has not started');
    return { member, client };
  };
  return {
    get member() {
      return started().member;
    },
    get client() {
      return started().client;
    },
    kvctl: (args, call = {}) => kvctlAt(started().member.endpoint, args, call),
  };
}

/** Runs kvctl against an endpoint, or several with commas between them. Outputs come as UTF-8. */
export async function kvctlAt(
  endpoints: string,
  args: string | readonly string[],
  call: Partial<ProgramCall> = {},
): Promise<ProgramResult> {
  const words = typeof args === 'string' ? args.split(' ') : args;
  const env = { ETCDCTL_ENDPOINTS: endpoints, ...call.env };
  const { exitCode, stdout, stderr } = await runKvctl({ ...call, args: words, env });
  const text = (latin: string) => Buffer.from(latin, 'latin1').toString();
  return { exitCode, stdout: text(stdout), stderr: text(stderr) };
}
