import type { Duplex } from 'node:stream';
import { FramePeer } from '../../src/testing/index.ts';
import type { Attack } from './attack.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/** An attacker that finds the socket full waits with more: what it cannot send does no harm. */
const maxUnsentBytes = 256 * 1024;

interface AttackConnection {
  readonly peer: FramePeer;
  readonly stream: Duplex;
  readonly beganAtMs: number;
  pieces: number;
  /** Pieces that its share of the rate allows now. */
  credit: number;
}

/**
 * An attack under way, over connections of any kind. Whoever owns it calls `step` often, and tells it the
 * time: so it runs the same in a second of a benchmark and in a test without a clock.
 */
export class AttackRun {
  /** Of connections that have ended, in order. */
  readonly outcomes: Outcome[] = [];
  piecesSent = 0;
  readonly #attack: Attack;
  readonly #dial: () => Duplex;
  readonly #open = new Set<AttackConnection>();
  #connectCredit = 1;
  #connected = 0;
  #steppedAtMs: number;

  constructor(attack: Attack, dial: () => Duplex, nowMs: number) {
    this.#attack = attack;
    this.#dial = dial;
    this.#steppedAtMs = nowMs;
  }

  /** Notes who was sent away, connects anew, and sends what the rate allows since the last step. */
  step(nowMs: number): void {
    const attack = this.#attack;
    const seconds = (nowMs - this.#steppedAtMs) / 1000;
    this.#steppedAtMs = nowMs;
    for (const connection of this.#open) {
      if (connection.peer.isEnded) this.#note(connection, nowMs);
    }
    this.#connectCredit = Math.min(
      attack.connections,
      this.#connectCredit + seconds * attack.connectsPerSecond,
    );
    while (this.#connectCredit >= 1 && this.#open.size < attack.connections) {
      this.#connectCredit -= 1;
      this.#connect(nowMs);
    }
    const share = (seconds * attack.piecesPerSecond) / attack.connections;
    for (const connection of this.#open) this.#send(connection, share);
  }

  /** Hangs up; what is still open counts as an outcome too. */
  stop(nowMs: number): void {
    for (const connection of this.#open) this.#note(connection, nowMs);
  }

  #connect(nowMs: number): void {
    const stream = this.#dial();
    const peer = new FramePeer(stream);
    this.#open.add({ peer, stream, beganAtMs: nowMs, pieces: 0, credit: 0 });
    this.#attack.begin(peer, this.#connected);
    this.#connected += 1;
  }

  #send(connection: AttackConnection, share: number): void {
    const { peer, stream } = connection;
    // A second's worth at most: whoever was held up does not make up for it all at once.
    const most = Math.max(1, this.#attack.piecesPerSecond / this.#attack.connections);
    connection.credit = Math.min(most, connection.credit + share);
    stream.cork();
    while (connection.credit >= 1 && stream.writableLength < maxUnsentBytes) {
      connection.credit -= 1;
      this.#attack.piece(peer, connection.pieces);
      connection.pieces += 1;
      this.piecesSent += 1;
    }
    stream.uncork();
  }

  #note(connection: AttackConnection, nowMs: number): void {
    this.#open.delete(connection);
    this.outcomes.push(outcomeOf(connection.peer, nowMs - connection.beganAtMs));
    connection.stream.destroy();
  }
}
