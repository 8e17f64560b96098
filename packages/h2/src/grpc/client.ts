import type { Duplex } from 'node:stream';
import { BufferBudget } from '../buffer-budget.ts';
import type { TimerHandle } from '../clock.ts';
import type { H2Error } from '../errors.ts';
import { HeaderField } from '../hpack/header-field.ts';
import { HeaderTemplate } from '../hpack/header-template.ts';
import { resolveLimits } from '../limits.ts';
import { outgoingFields } from '../outgoing-fields.ts';
import { SlabPool } from '../slab-pool.ts';
import { describePeer, prepareSocket } from '../socket.ts';
import { TurnQueue } from '../turn-queue.ts';
import { WorkTurns } from '../work-turns.ts';
import { Backoff, defaultBackoff } from './backoff.ts';
import { type CallStatus, localStatus } from './call-status.ts';
import { ClientConnection, type ClientConnectionOwner } from './client-connection.ts';
import { ClientExchange } from './client-exchange.ts';
import { ClientStreamCall } from './client-stream-call.ts';
import type {
  CallOptions,
  ClientReceiver,
  ClientRequest,
  ClientResponse,
  ClientShared,
  ClientState,
  ClientStream,
  GrpcClientOptions,
  PendingCall,
  UnaryOptions,
} from './client-types.ts';
import { ClientUnaryCall } from './client-unary-call.ts';
import { acceptedEncodings } from './compression.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { Status } from './status.ts';
import type { Message } from './types.ts';

/** How often timeouts are looked after, in ms. */
const sweepIntervalMs = 1000;

/**
 * A client of one server. All calls share one connection, which is made when the first call wants it,
 * and made again, after a growing wait, when it is lost. Calls beyond the streams that the server allows
 * wait for their turn on it, as in a gRPC channel.
 *
 * A call that the server has certainly not looked at is sent again, once: its stream was refused, or the
 * server went away before it. Any other that was lost on the way fails with UNAVAILABLE; `isUnprocessed`
 * tells whether it can be repeated.
 */
export class GrpcClient {
  readonly #options: GrpcClientOptions;
  readonly #shared: ClientShared;
  readonly #backoff: Backoff;
  readonly #owner: ClientConnectionOwner;
  /** What calls of a path begin with, when their messages are plain, and when they are gzipped. */
  readonly #templates = new Map<string, HeaderTemplate>();
  readonly #gzipTemplates = new Map<string, HeaderTemplate>();
  /** Connections that exist: the current one, and those that are leaving. */
  readonly #connections = new Set<ClientConnection>();
  #current: ClientConnection | undefined = undefined;
  /** Calls without a stream, in order. */
  #waiting: PendingCall[] = [];
  #state: ClientState = 'idle';
  #lastError: Error | undefined = undefined;
  #retryTimer: TimerHandle | undefined = undefined;
  #sweepTimer: TimerHandle | undefined = undefined;

  /** Throws `H2Error` "limit" when a limit cannot work. */
  constructor(options: GrpcClientOptions) {
    const { clock } = options;
    const limits = resolveLimits({ keepaliveIntervalMs: 0, ...options.limits });
    this.#options = options;
    const turn = new TurnQueue(clock, limits.gatherMs);
    const workTurns = new WorkTurns(clock);
    // What a server makes a client hold is bounded by its one connection.
    const budget = new BufferBudget(Number.POSITIVE_INFINITY, turn);
    this.#shared = {
      clock,
      limits,
      deadlines: new DeadlineWheel(clock),
      environment: { clock, limits, pool: new SlabPool(), turn, workTurns, budget },
      retry: (call) => this.#begin(call, {}),
    };
    this.#backoff = new Backoff({ ...defaultBackoff, ...options.backoff }, options.random);
    this.#owner = {
      onRoom: (connection) => this.#onRoom(connection),
      onLeaving: (connection) => this.#onLeaving(connection),
      onEnded: (connection, error) => this.#onEnded(connection, error),
      onClosed: (connection) => this.#onClosed(connection),
    };
  }

  /** Scheme and authority of the server, such as `http://localhost:2379`. */
  get origin(): string {
    const { authority, scheme = 'http' } = this.#options;
    return `${scheme}://${authority}`;
  }

  /** How its connection stands. */
  get state(): ClientState {
    return this.#state;
  }

  /**
   * Sends one message and resolves with the one that comes back, owned by the caller. Rejects with
   * `CallError`, or with `H2Error` "protocol" when the metadata cannot be sent.
   */
  unary(path: string, request: Message, options: UnaryOptions = {}): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const template = this.#templateOf(path, options.gzip === true);
      this.#begin(
        new ClientUnaryCall(this.#shared, template, request, options, resolve, reject),
        options,
      );
    });
  }

  /**
   * Begins a call with any number of messages either way. Throws `H2Error` "protocol" when the metadata
   * cannot be sent.
   */
  stream(path: string, receiver: ClientReceiver, options: CallOptions = {}): ClientStream {
    const template = this.#templateOf(path, options.gzip === true);
    const call = new ClientStreamCall(this.#shared, template, receiver, options);
    this.#begin(call, options);
    return call;
  }

  /**
   * Sends a request that is not gRPC, and resolves when the response's headers have come. Rejects with
   * `CallError` when the request is lost before, with `H2Error` "protocol" when its headers cannot be sent. It
   * is never sent twice.
   */
  exchange(request: ClientRequest): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      const { authority, scheme = 'http' } = this.#options;
      const fields = [
        new HeaderField(':method', request.method),
        new HeaderField(':scheme', scheme),
        new HeaderField(':path', request.path),
        new HeaderField(':authority', authority),
        ...outgoingFields(request.headers ?? []),
      ];
      this.#begin(new ClientExchange(request, fields, resolve, reject), request);
    });
  }

  /** Connects without a call to want it; with `state` and `onStateChange` one sees what comes of it. */
  connect(): void {
    if (this.#state === 'idle') void this.#dial();
  }

  /**
   * Asks the server for a sign of life now, because a call waits for long: if nothing comes within so many ms, its
   * connection is given up, and calls that ran on it fail. Once in 10 s at most; without a connection nothing happens.
   */
  probe(timeoutMs: number): void {
    this.#current?.probe(this.#shared.clock.now(), timeoutMs);
  }

  /** Ends all calls with CANCELLED and all connections. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#setState('closed', undefined);
    if (this.#retryTimer !== undefined) this.#shared.clock.clearTimer(this.#retryTimer);
    this.#failWaiting(localStatus(Status.cancelled, 'the client was closed', true), true);
    for (const connection of [...this.#connections]) connection.close();
    this.#shared.deadlines.close();
  }

  #begin(call: PendingCall, options: { readonly signal?: AbortSignal }) {
    if (this.#state === 'closed') {
      return call.abandon(localStatus(Status.cancelled, 'the client is closed', true));
    }
    if (options.signal?.aborted === true) return call.cancel();
    if (this.#waiting.length === 0 && this.#current !== undefined && call.start(this.#current)) {
      return;
    }
    if (this.#state === 'waiting' && !call.waitsForReady) {
      return call.abandon(this.#unavailable());
    }
    this.#waiting.push(call);
    this.connect();
  }

  #templateOf(path: string, isGzip: boolean): HeaderTemplate {
    const templates = isGzip ? this.#gzipTemplates : this.#templates;
    let template = templates.get(path);
    if (template === undefined) {
      const { authority, scheme = 'http', userAgent } = this.#options;
      const fields = [
        new HeaderField(':method', 'POST'),
        new HeaderField(':scheme', scheme),
        new HeaderField(':path', path),
        new HeaderField(':authority', authority),
        new HeaderField('content-type', 'application/grpc'),
        new HeaderField('te', 'trailers'),
        new HeaderField('grpc-accept-encoding', acceptedEncodings),
      ];
      if (isGzip) fields.push(new HeaderField('grpc-encoding', 'gzip'));
      if (userAgent !== undefined) fields.push(new HeaderField('user-agent', userAgent));
      template = new HeaderTemplate(fields);
      templates.set(path, template);
    }
    return template;
  }

  async #dial(): Promise<void> {
    this.#setState('connecting', undefined);
    let stream: Duplex;
    try {
      stream = await this.#options.dial();
    } catch (error) {
      this.#onFailure(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#state === 'closed') {
      stream.destroy();
      return;
    }
    prepareSocket(stream);
    const peer = describePeer(stream);
    const connection = new ClientConnection(this.#shared, this.#owner, stream, peer);
    this.#connections.add(connection);
    this.#current = connection;
    if (this.#sweepTimer === undefined) this.#armSweep();
    connection.start();
  }

  #onRoom(connection: ClientConnection): void {
    if (connection !== this.#current || !connection.isReady) return;
    if (this.#state === 'connecting') {
      this.#backoff.reset();
      this.#setState('ready', undefined);
    }
    if (this.#waiting.length === 0) return;
    let next = 0;
    for (const call of this.#waiting) {
      if (!call.hasEnded && !call.start(connection)) break;
      next += 1;
    }
    this.#waiting = this.#waiting.slice(next);
  }

  #onLeaving(connection: ClientConnection): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    if (this.#state === 'closed') return;
    this.#setState('idle', undefined);
    this.#waiting = this.#waiting.filter((call) => !call.hasEnded);
    if (this.#waiting.length > 0) this.connect();
  }

  #onEnded(connection: ClientConnection, error: H2Error | undefined): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    if (this.#state === 'connecting') {
      this.#onFailure(error ?? new Error('the server closed the connection'));
    } else if (this.#state !== 'closed') {
      this.#lastError = error;
      this.#setState('idle', error);
      this.#waiting = this.#waiting.filter((call) => !call.hasEnded);
      if (this.#waiting.length > 0) this.connect();
    }
  }

  #onClosed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0 || this.#sweepTimer === undefined) return;
    this.#shared.clock.clearTimer(this.#sweepTimer);
    this.#sweepTimer = undefined;
  }

  /** An attempt to connect has failed: wait, then try again if anybody wants it. */
  #onFailure(error: Error): void {
    if (this.#state === 'closed') return;
    this.#lastError = error;
    this.#setState('waiting', error);
    this.#retryTimer = this.#shared.clock.setTimer(this.#backoff.next(), () => {
      this.#retryTimer = undefined;
      this.#setState('idle', undefined);
      this.#waiting = this.#waiting.filter((call) => !call.hasEnded);
      if (this.#waiting.length > 0) this.connect();
    });
    this.#failWaiting(this.#unavailable(), false);
  }

  #failWaiting(status: CallStatus, all: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = all ? [] : waiting.filter((call) => call.waitsForReady);
    for (const call of waiting) {
      if (all || !call.waitsForReady) call.abandon(status);
    }
  }

  #unavailable(): CallStatus {
    const reason = this.#lastError?.message ?? 'no connection';
    return localStatus(Status.unavailable, `cannot connect: ${reason}`, true);
  }

  #setState(state: ClientState, error: Error | undefined): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onStateChange?.(state, error);
  }

  #armSweep(): void {
    const { clock } = this.#shared;
    this.#sweepTimer = clock.setTimer(sweepIntervalMs, () => {
      this.#sweepTimer = undefined;
      const nowMs = clock.now();
      for (const connection of [...this.#connections]) connection.sweep(nowMs);
      if (this.#connections.size > 0 && this.#sweepTimer === undefined) this.#armSweep();
    });
  }
}
