/**
 * A server of the benchmark in a process of its own: `main.ts KIND MESSAGES`. A call of `Stream` is
 * answered with so many messages, each the same as the request. Any question of the parent is answered
 * with the process's usage.
 */
import type { AddressInfo, Server } from 'node:net';
import { serveParent, usage } from '../child.ts';
import { serveConnect } from './connect-node.ts';
import { serveGrpcJs } from './grpc-js.ts';
import { serveKvorum } from './kvorum.ts';
import { serveNode } from './node-http2.ts';

/** What the first message to the parent says. */
export interface Listening {
  readonly port: number;
}

const [kind = '', messages = '1'] = process.argv.slice(2);

async function listen(): Promise<number> {
  const count = Number(messages);
  if (kind === 'grpc-js') return await serveGrpcJs(count);
  const server = serverOf(count);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function serverOf(count: number): Pick<Server, 'listen' | 'address'> {
  if (kind === 'kvorum') return serveKvorum(count);
  if (kind === 'node-http2') return serveNode(count);
  if (kind === 'connect-node') return serveConnect(count);
  throw new Error(`no server is called ${kind}`);
}

const ready: Listening = { port: await listen() };
serveParent(ready, usage);
