import type { Socket } from 'node:net';
import type { Connection } from '@kvorum/h2';
import { remoteAddressOf } from '../listen/remote-address.ts';

/** The connection of an HTTP/1.1 request, as the raw methods know connections. */
export class Http1Connection implements Connection {
  readonly peer: string;
  readonly stream: Socket;
  readonly activeStreams = 1;

  constructor(socket: Socket) {
    this.peer = remoteAddressOf(socket);
    this.stream = socket;
  }

  get closed(): boolean {
    return this.stream.destroyed;
  }

  /** Resolves when the connection has ended by itself. */
  async drain(): Promise<void> {
    if (!this.closed) await new Promise<void>((resolve) => this.stream.once('close', resolve));
  }

  close(): void {
    this.stream.destroy();
  }
}
