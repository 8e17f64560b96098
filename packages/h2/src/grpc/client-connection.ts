import type { Duplex } from 'node:stream';
import { type Endpoint, H2Connection } from '../connection.ts';
import type { H2Error } from '../errors.ts';
import { ErrorCode } from '../frames.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import { Watchdog } from '../watchdog.ts';
import type { ClientShared } from './client-types.ts';

/** Told what becomes of a client's connection. */
export interface ClientConnectionOwner {
  /** The server's SETTINGS have come, or it has room for more streams. */
  onRoom(connection: ClientConnection): void;
  /** It takes no new calls any more; those that run may go on. */
  onLeaving(connection: ClientConnection): void;
  /** All is over; `error` says why, when it was not an orderly end. */
  onEnded(connection: ClientConnection, error: H2Error | undefined): void;
  onClosed(connection: ClientConnection): void;
}

/** A client's side of one connection. */
export class ClientConnection implements Endpoint {
  readonly #owner: ClientConnectionOwner;
  readonly #h2: H2Connection;
  readonly #watchdog: Watchdog;

  constructor(shared: ClientShared, owner: ClientConnectionOwner, stream: Duplex, peer: string) {
    this.#owner = owner;
    this.#h2 = new H2Connection(shared.environment, this, stream, false, peer);
    this.#watchdog = new Watchdog(this.#h2);
  }

  start(): void {
    this.#h2.start();
  }

  /** The server has said its limits, so calls may begin. */
  get isReady(): boolean {
    return this.#h2.greeted && !this.#h2.isDraining;
  }

  /** The largest header list that the server takes. */
  get maxHeaderListBytes(): number {
    return this.#h2.sender.maxHeaderListBytes;
  }

  /** Undefined when the server takes no more streams now. */
  openStream(sink: StreamSink): H2Stream | undefined {
    if (!this.isReady || this.#h2.activeStreams >= this.#h2.peerMaxStreams) return undefined;
    const stream = this.#h2.openStream(sink);
    // It has run out of identifiers, after a thousand million calls.
    if (stream === undefined) this.#owner.onLeaving(this);
    return stream;
  }

  sweep(nowMs: number): void {
    this.#watchdog.sweep(nowMs);
  }

  /** See `Watchdog.probe`. */
  probe(nowMs: number, timeoutMs: number): void {
    this.#watchdog.probe(nowMs, timeoutMs);
  }

  /** Ends it now; calls that run on it are lost. */
  close(): void {
    this.#h2.end(ErrorCode.noError, '', undefined);
  }

  /** Lets the calls that run finish, and then ends it. */
  drain(): void {
    this.#h2.drain();
  }

  /** Never called: we allow the server no pushes. */
  onRequest(): void {}

  onGoaway(): void {
    this.#owner.onLeaving(this);
  }

  onSettings(): void {
    this.#owner.onRoom(this);
  }

  onRelief(): void {
    this.#owner.onRoom(this);
  }

  onEnd(error: H2Error | undefined): void {
    this.#owner.onEnded(this, error);
  }

  onClosed(): void {
    this.#owner.onClosed(this);
  }

  bytesReceived(_bytes: number): void {}

  bytesSent(_bytes: number): void {}
}
