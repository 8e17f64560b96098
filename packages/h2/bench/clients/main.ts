/**
 * A client of the benchmark in a process of its own: `main.ts KIND PORT MESSAGES`, where a call of
 * `Stream` is answered with so many messages. Each question is a load to run; the answer says what it took.
 */
import { serveParent, usage } from '../child.ts';
import { messageOf } from '../echo-contract.ts';
import type { Caller } from './caller.ts';
import { callConnect } from './connect-node.ts';
import { callGrpcJs } from './grpc-js.ts';
import { callKvorum } from './kvorum.ts';
import { callNode } from './node-http2.ts';

export interface ClientLoad {
  readonly method: 'unary' | 'stream';
  readonly messageBytes: number;
  /** Calls at any time. */
  readonly inFlight: number;
  /** No call begins after so long. */
  readonly seconds: number;
}

export interface ClientUse {
  readonly calls: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

const [kind = '', port = '', messages = ''] = process.argv.slice(2);

function callerOf(): Caller {
  if (kind === 'kvorum') return callKvorum(Number(port));
  if (kind === 'node-http2') return callNode(Number(port), Number(messages));
  if (kind === 'connect-node') return callConnect(Number(port));
  if (kind === 'grpc-js') return callGrpcJs(Number(port));
  throw new Error(`no client is called ${kind}`);
}

const caller = callerOf();

async function run({ method, messageBytes, inFlight, seconds }: ClientLoad): Promise<ClientUse> {
  const message = messageOf(messageBytes);
  const expected = method === 'stream' ? messageBytes * Number(messages) : messageBytes;
  const startedAt = performance.now();
  const before = usage();
  let calls = 0;
  const work = async (): Promise<void> => {
    while (performance.now() - startedAt < seconds * 1000) {
      const bytes = await caller[method](message);
      if (bytes !== expected) throw new Error(`${bytes} bytes came back, not ${expected}`);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const after = usage();
  return {
    calls,
    seconds: (performance.now() - startedAt) / 1000,
    cpuMicros: after.cpuMicros - before.cpuMicros,
    rssBytes: after.rssBytes,
  };
}

serveParent<ClientLoad>({}, run);
