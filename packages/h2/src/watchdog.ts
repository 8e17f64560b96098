import type { H2Connection } from './connection.ts';

/** Least time between signs of life that are asked for early, in ms: servers count more of them as abuse. */
const leastProbeIntervalMs = 10_000;

/**
 * Everything about one connection that time decides: what the peer must have done by when, and whether
 * it is there at all. `sweep` looks about once a second, so each time is late by up to that much.
 */
export class Watchdog {
  readonly #connection: H2Connection;
  /** When we asked for a sign of life, in the clock's ms; -1: no answer is due. */
  #pingSentAtMs = -1;
  /** How long the answer may take. */
  #pingTimeoutMs = 0;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  #stalledSinceMs = 0;
  /** DATA sent and bytes left in the socket when output last moved; -1: it was not looked at yet. */
  #stalledAtBytes = -1;
  #leastUnsentBytes = 0;

  constructor(connection: H2Connection) {
    this.#connection = connection;
  }

  sweep(nowMs: number) {
    const connection = this.#connection;
    const { limits } = connection;
    if (connection.ended) {
      if (nowMs - connection.endedAtMs >= limits.closeTimeoutMs) connection.stream.destroy();
      return;
    }
    if (!connection.greeted) {
      if (nowMs - connection.openedAtMs >= limits.handshakeTimeoutMs) {
        connection.timeOut('no SETTINGS came');
      }
      return;
    }
    const { blockBegunAtMs } = connection;
    if (blockBegunAtMs >= 0 && nowMs - blockBegunAtMs >= limits.headerTimeoutMs) {
      return connection.timeOut('a header block was not completed');
    }
    if (
      connection.isDrainAnnounced &&
      nowMs - connection.drainingSinceMs >= limits.closeTimeoutMs
    ) {
      connection.finishDrain();
    }
    for (const stream of connection.streams.values()) {
      if (!stream.remoteClosed) stream.sink.onSweep(nowMs - stream.receivedAtMs);
    }
    this.#watchOutput(nowMs);
    this.#watchSilence(nowMs);
    const isIdle = connection.activeStreams === 0 && limits.idleTimeoutMs > 0;
    if (isIdle && nowMs - connection.idleSinceMs >= limits.idleTimeoutMs) connection.drain();
  }

  /**
   * A peer that takes nothing of what piles up is cut off. It has taken something when more DATA could go
   * out, or when the socket holds less; frames that go out beside DATA only make it hold more.
   */
  #watchOutput(nowMs: number): void {
    const { sender, stream, limits } = this.#connection;
    const { sentBytes } = sender;
    const unsentBytes = stream.writableLength;
    const hasMoved = sentBytes !== this.#stalledAtBytes || unsentBytes < this.#leastUnsentBytes;
    if (!sender.isCongested || hasMoved) {
      this.#stalledAtBytes = sentBytes;
      this.#leastUnsentBytes = unsentBytes;
      this.#stalledSinceMs = nowMs;
    } else if (nowMs - this.#stalledSinceMs >= limits.sendStallTimeoutMs) {
      this.#connection.timeOut('the peer takes no output');
    }
  }

  /** Asks for a sign of life now, to be had within so many ms; not while one is due, nor again within 10 s. */
  probe(nowMs: number, timeoutMs: number): void {
    const connection = this.#connection;
    if (connection.ended || !connection.greeted || this.#isPingDue) return;
    if (nowMs - this.#probedAtMs < leastProbeIntervalMs) return;
    this.#probedAtMs = nowMs;
    this.#ping(nowMs, timeoutMs);
  }

  #watchSilence(nowMs: number): void {
    const connection = this.#connection;
    const { keepaliveIntervalMs, keepaliveTimeoutMs } = connection.limits;
    if (this.#isPingDue) {
      if (nowMs - this.#pingSentAtMs >= this.#pingTimeoutMs) {
        connection.timeOut('no answer to a keep-alive PING');
      }
      return;
    }
    if (keepaliveIntervalMs === 0) return;
    // Servers count a client's PINGs without streams as abuse.
    const isUnwelcome = !connection.isServer && !connection.limits.pingWithoutStreams;
    if (isUnwelcome && connection.activeStreams === 0) return;
    if (nowMs - connection.nowMs >= keepaliveIntervalMs) this.#ping(nowMs, keepaliveTimeoutMs);
  }

  /** Whether nothing has come since we asked. */
  get #isPingDue(): boolean {
    return this.#pingSentAtMs >= 0 && this.#connection.nowMs < this.#pingSentAtMs;
  }

  #ping(nowMs: number, timeoutMs: number): void {
    this.#pingSentAtMs = nowMs;
    this.#pingTimeoutMs = timeoutMs;
    this.#connection.writeKeepalivePing();
  }
}
