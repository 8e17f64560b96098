import net from 'node:net';
import { GrpcServer, nodeClock, type StreamCall, type StreamReceiver } from '../../src/index.ts';
import { streamPath, ticksPath, unaryPath } from '../echo-contract.ts';
import { Ticker, type TickMember } from './ticker.ts';

export function serveKvorum(messages: number): net.Server {
  const ticker = new Ticker();
  const grpc = new GrpcServer({
    clock: nodeClock,
    methods: new Map([
      [unaryPath, { kind: 'unary', handle: (request, call) => call.reply(request) }],
      [streamPath, { kind: 'stream', open: (call) => new Repeater(call, messages) }],
      [ticksPath, { kind: 'stream', open: (call) => new Ticks(call, messages, ticker) }],
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

/** Answers a message with many, one in each turn. */
class Ticks implements StreamReceiver, TickMember {
  readonly #call: StreamCall;
  readonly #ticker: Ticker;
  #left: number;
  #message: Uint8Array = new Uint8Array(0);
  #isHeldUp = false;

  constructor(call: StreamCall, messages: number, ticker: Ticker) {
    this.#call = call;
    this.#ticker = ticker;
    this.#left = messages;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  sendOne(): boolean {
    if (this.#isHeldUp || this.#left === 0) return false;
    this.#left -= 1;
    this.#isHeldUp = !this.#call.send(this.#message);
    if (this.#left === 0) this.#call.end();
    return true;
  }

  onMessage(message: Uint8Array): void {
    this.#message = message;
  }

  onHalfClose(): void {
    this.#ticker.add(this);
  }

  onDrain(): void {
    this.#isHeldUp = false;
  }

  onAbort(): void {
    this.#left = 0;
  }
}
