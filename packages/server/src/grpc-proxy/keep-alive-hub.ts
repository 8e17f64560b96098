import { grpcStatus } from '@kvorum/api';
import { ClientError, type MessageStream } from '@kvorum/client';
import type { Clock } from '../clock.ts';
import { ProtoError, ProtoReader } from '../codec/proto-reader.ts';

/** Who waits for a lease to be renewed. */
export interface RenewalWaiter {
  /** The member's answer, a LeaseKeepAliveResponse. */
  onRenewed(response: Uint8Array): void;
  /** The members refuse to renew leases for this caller. */
  onRefused(error: ClientError): void;
}

/** The call to a member that renewals go over: answers come as bytes. */
export type KeepAliveCall = MessageStream<{ readonly ID: bigint }, Uint8Array>;

/** What a hub is made of. */
export interface KeepAliveHubOptions {
  /** Begins a call, at any member. */
  readonly open: () => KeepAliveCall;
  readonly clock: Pick<Clock, 'after'>;
}

/** Between two calls, in ms: after the first failure, and at most. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** A call on which no answer comes for so long is given up for another one, in ms. */
const ANSWER_MS = 5000;

/** Refusals that another member would repeat. */
const finalStatuses: ReadonlySet<number> = new Set([
  grpcStatus.unauthenticated,
  grpcStatus.permissionDenied,
  grpcStatus.unimplemented,
]);

/**
 * Renews leases for many callers over one stream to a member, which is replaced when it's lost. A lease is asked for
 * once at a time: those who ask for it meanwhile share the next renewal. Not the one under way, since that may have
 * been done before they asked, and they count the lease's time from then.
 */
export class KeepAliveHub {
  readonly #options: KeepAliveHubOptions;
  readonly #asked = new Map<bigint, RenewalWaiter[]>();
  readonly #next = new Map<bigint, RenewalWaiter[]>();
  #call: KeepAliveCall | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #callOffPause: (() => void) | undefined;
  #callOffPatience: (() => void) | undefined;

  constructor(options: KeepAliveHubOptions) {
    this.#options = options;
  }

  renew(id: bigint, waiter: RenewalWaiter): void {
    if (this.#asked.has(id)) {
      this.#next.set(id, [...(this.#next.get(id) ?? []), waiter]);
      return;
    }
    this.#asked.set(id, [waiter]);
    this.#send(id);
  }

  /** It waits for nothing any more. */
  leave(waiter: RenewalWaiter): void {
    for (const waiters of [this.#asked, this.#next]) {
      for (const [id, those] of waiters) {
        waiters.set(
          id,
          those.filter((one) => one !== waiter),
        );
      }
    }
  }

  close(): void {
    this.#asked.clear();
    this.#next.clear();
    this.#drop();
    this.#callOffPause?.();
    this.#callOffPause = undefined;
  }

  #send(id: bigint): void {
    if (this.#callOffPause !== undefined) return;
    if (this.#call === undefined) {
      this.#call = this.#options.open();
      void this.#read(this.#call);
    }
    this.#call.send({ ID: id });
    this.#waitForAnswer();
  }

  async #read(call: KeepAliveCall): Promise<void> {
    let error: unknown;
    try {
      for await (const response of call) {
        if (call !== this.#call) return;
        this.#onResponse(response);
      }
    } catch (thrown) {
      if (!(thrown instanceof ClientError) && !(thrown instanceof ProtoError)) throw thrown;
      error = thrown;
    }
    if (call === this.#call) this.#onLost(error);
  }

  #onResponse(response: Uint8Array): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    const id = leaseIdOf(response);
    const waiters = this.#asked.get(id);
    this.#asked.delete(id);
    const next = this.#next.get(id);
    this.#next.delete(id);
    if (next !== undefined && next.length > 0) {
      this.#asked.set(id, next);
      this.#call?.send({ ID: id });
    }
    this.#waitForAnswer();
    for (const waiter of waiters ?? []) waiter.onRenewed(response);
  }

  #onLost(error: unknown): void {
    this.#drop();
    if (error instanceof ClientError && finalStatuses.has(error.status)) {
      const refused = new Set([...this.#asked.values(), ...this.#next.values()].flat());
      this.#asked.clear();
      this.#next.clear();
      for (const waiter of refused) waiter.onRefused(error);
      return;
    }
    this.#callOffPause = this.#options.clock.after(this.#pauseMs, () => {
      this.#callOffPause = undefined;
      for (const [id, waiters] of this.#asked) {
        if (waiters.length > 0) this.#send(id);
        else this.#asked.delete(id);
      }
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #waitForAnswer(): void {
    this.#callOffPatience?.();
    this.#callOffPatience = undefined;
    if (this.#asked.size === 0) return;
    this.#callOffPatience = this.#options.clock.after(ANSWER_MS, () => this.#onLost(undefined));
  }

  #drop(): void {
    this.#callOffPatience?.();
    this.#callOffPatience = undefined;
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
  }
}

/** Throws `ProtoError`. */
function leaseIdOf(response: Uint8Array): bigint {
  const reader = new ProtoReader(response);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) return reader.int64();
    reader.skip();
  }
  return 0n;
}
