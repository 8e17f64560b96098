import net from 'node:net';
import { GrpcServer, nodeClock, type StreamCall, type StreamReceiver } from '../../src/index.ts';
import { streamPath, unaryPath } from '../echo-contract.ts';

export function serveKvorum(messages: number): net.Server {
  const grpc = new GrpcServer({
    clock: nodeClock,
    methods: new Map([
      [unaryPath, { kind: 'unary', handle: (request, call) => call.reply(request) }],
      [streamPath, { kind: 'stream', open: (call) => new Repeater(call, messages) }],
    ]),
  });
  return net.createServer((socket) => grpc.accept(socket));
}

/** Answers a message with many, as fast as they are taken. */
class Repeater implements StreamReceiver {
  readonly #call: StreamCall;
  #left: number;
  #message: Uint8Array = new Uint8Array(0);

  constructor(call: StreamCall, messages: number) {
    this.#call = call;
    this.#left = messages;
  }

  onMessage(message: Uint8Array): void {
    this.#message = message;
  }

  onHalfClose(): void {
    this.onDrain();
  }

  onDrain(): void {
    while (this.#left > 0) {
      this.#left -= 1;
      if (!this.#call.send(this.#message)) return;
    }
    this.#call.end();
  }

  onAbort(): void {
    this.#left = 0;
  }
}
