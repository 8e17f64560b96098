import type { H2Connection } from './connection.ts';

/**
 * Everything about one connection that time decides: what the peer must have done by when, and whether
 * it is there at all. `sweep` looks about once a second, so each time is late by up to that much.
 */
export class Watchdog {
  readonly #connection: H2Connection;
  /** When we asked for a sign of life, in the clock's ms; -1: no answer is due. */
  #pingSentAtMs = -1;
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

  #watchSilence(nowMs: number): void {
    const connection = this.#connection;
    const { keepaliveIntervalMs, keepaliveTimeoutMs } = connection.limits;
    if (keepaliveIntervalMs === 0) return;
    // Servers count a client's PINGs without streams as abuse.
    const isUnwelcome = !connection.isServer && !connection.limits.pingWithoutStreams;
    if (isUnwelcome && connection.activeStreams === 0) return;
    if (connection.nowMs >= this.#pingSentAtMs) this.#pingSentAtMs = -1;
    if (this.#pingSentAtMs >= 0) {
      if (nowMs - this.#pingSentAtMs >= keepaliveTimeoutMs) {
        connection.timeOut('no answer to a keep-alive PING');
      }
    } else if (nowMs - connection.nowMs >= keepaliveIntervalMs) {
      this.#pingSentAtMs = nowMs;
      connection.writeKeepalivePing();
    }
  }
}
