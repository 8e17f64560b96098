import type { Limits } from '../../src/index.ts';
import type { FramePeer } from '../../src/testing/index.ts';

/** How an attacker's connection may end, and how its streams may be answered, in `Outcome`'s words. */
export interface Expectation {
  /** Ends of connections. Empty: the connection may live on, since its streams alone are refused. */
  readonly endings: readonly string[];
  /** Ends of single streams. Empty: none is expected, and none counts. */
  readonly answers: readonly string[];
}

/** One way to harm a server, and what the server must do about it. */
export interface Attack {
  readonly name: string;
  /** One line for the report. */
  readonly what: string;
  /** The server's limits that differ from the defaults: times that would not fit in the run. */
  readonly limits: Partial<Limits>;
  /** Connections that are kept open; one that ends is replaced. */
  readonly connections: number;
  /** Over all connections. An attack has a bounded rate, since all share the machine's cores. */
  readonly connectsPerSecond: number;
  readonly piecesPerSecond: number;
  readonly expected: Expectation;
  /** A connection has to have ended this long after its beginning, in ms. */
  readonly endsWithinMs: number;
  /** What a new connection, the `ordinal`-th of the run, sends first. */
  begin(peer: FramePeer, ordinal: number): void;
  /** Sends the i-th piece of a connection. */
  piece(peer: FramePeer, i: number): void;
}
