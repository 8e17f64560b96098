import type { Socket } from 'node:net';
import { GrpcServer, type GrpcServerOptions } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { h2Clock } from './h2-clock.ts';
import type { Transport } from './transport.ts';

/** One answer alone may hold the whole store, which is this large by default. */
const maxServerBufferBytes = 2 * 1024 ** 3;

/** `@kvorum/h2` as the member's transport. */
export class H2Transport implements Transport {
  readonly #server: GrpcServer;

  constructor(options: Omit<GrpcServerOptions, 'clock'>, clock: Clock) {
    const limits = { maxServerBufferBytes, ...options.limits };
    this.#server = new GrpcServer({ ...options, limits, clock: h2Clock(clock) });
  }

  accept(socket: Socket, firstBytes: Buffer): void {
    this.#server.accept(socket, firstBytes);
  }

  async drain(): Promise<void> {
    await this.#server.drain();
  }

  close(): void {
    this.#server.close();
  }
}
