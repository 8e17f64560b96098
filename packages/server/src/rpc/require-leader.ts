import { etcdErrors } from '@kvorum/api';
import type { AbortReason, GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';

export interface RequireLeaderOptions {
  readonly hasLeader: () => boolean;
  /** How long a stream outlives the last leader: three election time-outs, as in etcd. */
  readonly patienceMs: number;
}

/** What a client says that would rather be refused than served by a member without a leader. */
const FIELD = 'hasleader';

const { status, text } = etcdErrors.noLeader;

/**
 * Calls with the metadata `hasleader: true` are refused while this member knows no leader, and streams end when that
 * lasts: a client whose member was cut off then looks for another one.
 */
export class RequireLeader {
  readonly #options: RequireLeaderOptions;
  readonly #streams = new Set<WatchedStream>();
  #leaderlessSinceMs: number | undefined;

  constructor(options: RequireLeaderOptions) {
    this.#options = options;
  }

  wrap(method: GrpcMethod): GrpcMethod {
    const { hasLeader } = this.#options;
    if (method.kind === 'unary') {
      return {
        kind: 'unary',
        handle(request, call) {
          if (!hasLeader() && call.metadata.get(FIELD) === 'true') call.fail(status, text);
          else method.handle(request, call);
        },
      };
    }
    return {
      kind: 'stream',
      open: (call) => {
        if (call.metadata.get(FIELD) !== 'true') return method.open(call);
        if (!hasLeader()) {
          call.end(status, text);
          return deaf;
        }
        const stream = new WatchedStream(call, method.open(call), this.#streams);
        this.#streams.add(stream);
        return stream;
      },
    };
  }

  /** Looked at with each tick. */
  look(nowMs: number): void {
    if (this.#options.hasLeader()) {
      this.#leaderlessSinceMs = undefined;
      return;
    }
    this.#leaderlessSinceMs ??= nowMs;
    if (nowMs - this.#leaderlessSinceMs < this.#options.patienceMs) return;
    for (const stream of [...this.#streams]) stream.refuse();
  }
}

const deaf: StreamReceiver = { onMessage() {}, onHalfClose() {}, onAbort() {} };

/** A stream that ends when there is no leader for long. */
class WatchedStream implements StreamReceiver {
  readonly #call: StreamCall;
  readonly #receiver: StreamReceiver;
  readonly #open: Set<WatchedStream>;

  constructor(call: StreamCall, receiver: StreamReceiver, open: Set<WatchedStream>) {
    this.#call = call;
    this.#receiver = receiver;
    this.#open = open;
  }

  refuse(): void {
    this.#open.delete(this);
    this.#call.end(status, text);
    // For the method it's as if the client had gone.
    this.#receiver.onAbort('cancelled');
  }

  onMessage(message: Uint8Array): void {
    this.#receiver.onMessage(message);
  }

  /** What ends with its question ends soon anyway. */
  onHalfClose(): void {
    this.#open.delete(this);
    this.#receiver.onHalfClose();
  }

  onDrain(): void {
    this.#receiver.onDrain?.();
  }

  onAbort(reason: AbortReason): void {
    this.#open.delete(this);
    this.#receiver.onAbort(reason);
  }
}
