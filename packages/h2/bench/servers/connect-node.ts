import http2 from 'node:http2';
import type { BytesValue } from '@bufbuild/protobuf/wkt';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { echoService } from '../echo-contract.ts';
import { connectionWindowBytes, streamWindowBytes } from '../windows.ts';
import { Ticker } from './ticker.ts';

/** Echo on connect-node, spoken to in gRPC. It codes its messages, since it takes no other. */
export function serveConnect(messages: number): http2.Http2Server {
  const ticker = new Ticker();
  const server = http2.createServer(
    { settings: { initialWindowSize: streamWindowBytes } },
    connectNodeAdapter({
      connect: false,
      grpcWeb: false,
      routes: (router) =>
        router.service(echoService, {
          unary: (request) => request,
          stream: (request) => repeat(request, messages),
          ticks: (request) => tick(request, messages, ticker),
        }),
    }),
  );
  server.on('session', (session) => session.setLocalWindowSize(connectionWindowBytes));
  return server;
}

async function* repeat(message: BytesValue, messages: number): AsyncGenerator<BytesValue> {
  for (let i = 0; i < messages; i++) yield message;
}

/** The same, one in each turn. */
async function* tick(
  message: BytesValue,
  messages: number,
  ticker: Ticker,
): AsyncGenerator<BytesValue> {
  let left = messages;
  let wake: (() => void) | undefined;
  ticker.add({
    get isDone(): boolean {
      return left === 0;
    },
    sendOne: () => {
      if (wake === undefined) return false;
      left -= 1;
      wake();
      wake = undefined;
      return true;
    },
  });
  for (let i = 0; i < messages; i++) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    yield message;
  }
}
