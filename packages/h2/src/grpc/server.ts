import type { Duplex } from 'node:stream';
import { BufferBudget } from '../buffer-budget.ts';
import type { Clock, TimerHandle } from '../clock.ts';
import { H2Error } from '../errors.ts';
import { resolveLimits } from '../limits.ts';
import { SlabPool } from '../slab-pool.ts';
import { describePeer, prepareSocket } from '../socket.ts';
import { TurnQueue } from '../turn-queue.ts';
import { type Worker, WorkTurns } from '../work-turns.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { ServerConnection, type ServerShared } from './server-connection.ts';
import type { Connection, GrpcServerOptions, ServerStats } from './types.ts';

/** How often timeouts are looked after, in ms. */
const sweepIntervalMs = 1000;

/** Counts nothing. */
export const noStats: ServerStats = {
  connectionOpened: () => {},
  connectionClosed: () => {},
  bytesReceived: () => {},
  bytesSent: () => {},
  callStarted: () => {},
  callFinished: () => {},
  messageReceived: () => {},
  messageSent: () => {},
};

/**
 * Serves gRPC, and what else speaks HTTP/2, on byte streams that others accept: it does not listen.
 * Handlers are called synchronously as requests arrive.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #shared: ServerShared;
  /** Oldest first. */
  readonly #connections = new Set<ServerConnection>();
  /** Those whose SETTINGS have not come, oldest first. */
  readonly #halfOpen = new Set<ServerConnection>();
  #sweepTimer: TimerHandle | undefined = undefined;
  #isClosed = false;

  /** Throws `H2Error` "limit" when a limit cannot work. */
  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { clock } = options;
    const limits = resolveLimits(options.limits);
    const turn = new TurnQueue(clock, limits.gatherMs);
    const workTurns = new WorkTurns(clock);
    const budget = new BufferBudget(limits.maxServerBufferBytes, turn);
    this.#shared = {
      methods: options.methods,
      clock,
      limits,
      stats: options.stats ?? noStats,
      deadlines: new DeadlineWheel(clock),
      environment: { clock, limits, pool: new SlabPool(), turn, workTurns, budget },
      fallback: options.fallback,
      onGreeted: (connection) => this.#halfOpen.delete(connection),
      onEnd: (connection, error) => this.#onEnd(connection, error),
      onClosed: (connection) => this.#onClosed(connection),
    };
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Bytes that all connections hold now, in the sense of `Limits.maxServerBufferBytes`. */
  get bufferedBytes(): number {
    return this.#shared.environment.budget.totalBytes;
  }

  /**
   * Serves a connection: a `net.Socket`, a `TLSSocket` after its handshake, or any other duplex stream,
   * which the server owns from here on. `firstBytes` were read from it before. After `close` or `drain`,
   * or when there are `Limits.maxConnections` that all have work, the stream is destroyed at once.
   */
  accept(stream: Duplex, firstBytes?: Uint8Array, peer: string = describePeer(stream)): Connection {
    const connection = new ServerConnection(this.#shared, stream, peer);
    if (this.#isClosed || !this.#hasRoom()) {
      if (!this.#isClosed)
        this.#options.onError?.(new H2Error('limit', 'too many connections'), peer);
      stream.destroy();
      return connection;
    }
    prepareSocket(stream);
    this.#connections.add(connection);
    this.#halfOpen.add(connection);
    this.#shared.stats.connectionOpened();
    if (this.#sweepTimer === undefined) this.#armSweep();
    connection.start(firstBytes);
    return connection;
  }

  /** Takes no new calls, and resolves when all that run have ended and their connections are closed. */
  async drain(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections].map((connection) => connection.drain()));
  }

  /** Ends all connections now; calls that run are aborted with "connection". */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) connection.close();
  }

  /** Makes room where that harms nobody; false when there is none. */
  #hasRoom(): boolean {
    const { maxConnections, maxHalfOpenConnections } = this.#shared.limits;
    if (this.#halfOpen.size >= maxHalfOpenConnections) {
      for (const oldest of this.#halfOpen) {
        oldest.expel('too many connections have not sent SETTINGS');
        break;
      }
    }
    if (this.#connections.size < maxConnections) return true;
    // Who holds connections to keep others out loses them; an honest client without calls comes back.
    for (const connection of this.#connections) {
      if (connection.activeStreams > 0) continue;
      connection.expel('too many connections');
      return true;
    }
    return false;
  }

  #onEnd(connection: ServerConnection, error: H2Error | undefined): void {
    this.#halfOpen.delete(connection);
    if (error !== undefined) this.#options.onError?.(error, connection.peer);
  }

  #onClosed(connection: ServerConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#shared.stats.connectionClosed();
    if (this.#connections.size > 0) return;
    if (this.#sweepTimer !== undefined) this.#shared.clock.clearTimer(this.#sweepTimer);
    this.#sweepTimer = undefined;
    if (this.#isClosed) this.#shared.deadlines.close();
  }

  #armSweep(): void {
    const { clock, environment } = this.#shared;
    this.#sweepTimer = clock.setTimer(sweepIntervalMs, () => {
      this.#sweepTimer = undefined;
      environment.workTurns.begin(new Sweep([...this.#connections], clock));
      if (this.#connections.size > 0 && this.#sweepTimer === undefined) this.#armSweep();
    });
  }
}

/** What it takes to end a connection: a write, and its sockets' end. */
const framesOfEnd = 16;

/** Looks after the timeouts of all connections, one at a time. */
class Sweep implements Worker {
  readonly #connections: ServerConnection[];
  readonly #clock: Clock;

  constructor(connections: ServerConnection[], clock: Clock) {
    this.#connections = connections;
    this.#clock = clock;
  }

  get hasMore(): boolean {
    return this.#connections.length > 0;
  }

  work(): number {
    const connection = this.#connections.pop();
    if (connection === undefined) return 0;
    // To look at a stream costs a quarter of what a frame does, to end it as much, and a connection many.
    const streams = connection.activeStreams;
    const isEnded = connection.sweep(this.#clock.now());
    return (1 + streams) / 4 + (isEnded ? framesOfEnd + streams : 0);
  }
}
