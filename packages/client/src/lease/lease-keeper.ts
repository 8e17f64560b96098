import type { LeaseKeepAliveResponse } from '@kvorum/api';
import { Backoff } from '../backoff.ts';
import type { MessageStream } from '../call-stream.ts';
import { ClientError, closedError } from '../errors.ts';
import type { Timers } from '../timers.ts';
import type { KeptLease } from './kept-lease.ts';

type KeepAliveStream = MessageStream<{ readonly ID: bigint }, LeaseKeepAliveResponse>;

/**
 * Keeps leases alive over one stream, which is opened when there is a lease and opened again, elsewhere if possible,
 * when it ends or leaves a renewal without an answer.
 */
export class LeaseKeeper {
  readonly #open: () => KeepAliveStream;
  readonly #timers: Timers;
  readonly #leases = new Map<bigint, KeptLease>();
  readonly #backoff: Backoff;
  #stream: KeepAliveStream | undefined = undefined;
  /** No stream is opened before. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #wakeAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined = undefined;

  constructor(open: () => KeepAliveStream, timers: Timers) {
    this.#open = open;
    this.#timers = timers;
    this.#backoff = new Backoff(timers);
  }

  get leases(): Iterable<KeptLease> {
    return this.#leases.values();
  }

  find(id: bigint): KeptLease | undefined {
    return this.#leases.get(id);
  }

  add(lease: KeptLease): void {
    this.#leases.set(lease.id, lease);
    this.#work();
  }

  /** Renews a lease no more. */
  remove(lease: KeptLease): void {
    if (this.#leases.get(lease.id) !== lease) return;
    this.#leases.delete(lease.id);
    this.#work();
  }

  /** Gives up all leases. */
  close(): void {
    const reason = closedError('client');
    for (const lease of this.#leases.values()) lease.lose(reason);
    this.#leases.clear();
    this.#work();
  }

  /** Does what is due, and sees that it is called when something is next. */
  #work(): void {
    const now = this.#timers.now();
    for (const lease of [...this.#leases.values()]) {
      if (lease.maybeExpire(now)) this.#leases.delete(lease.id);
    }
    const leases = [...this.#leases.values()];
    if (leases.length === 0) this.#dropStream();
    else if (leases.some((lease) => lease.isOverdue(now))) this.#restart(this.#stream);
    const due = leases.filter((lease) => lease.shouldRenew(now));
    if (due.length > 0 && now >= this.#retryAt) {
      this.#stream ??= this.#begin();
      for (const lease of due) {
        // Said first: whatever happens on the way, the server has not handled it before now.
        lease.sent(now);
        this.#stream.send({ ID: lease.id });
      }
    }
    this.#arm(leases);
  }

  #arm(leases: readonly KeptLease[]): void {
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const lease of leases) {
      const { dueAt, loseAt } = lease;
      // What waits for another stream is not due before that may be opened.
      wakeAt = Math.min(wakeAt, loseAt, Math.max(dueAt, this.#retryAt));
    }
    if (wakeAt === this.#wakeAt) return;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#wakeAt = wakeAt;
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    this.#callOff = this.#timers.after(Math.max(0, Math.ceil(wakeAt - this.#timers.now())), () => {
      this.#callOff = undefined;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#work();
    });
  }

  #begin(): KeepAliveStream {
    const stream = this.#open();
    void this.#read(stream);
    return stream;
  }

  async #read(stream: KeepAliveStream): Promise<void> {
    try {
      for await (const answer of stream) this.#onAnswer(stream, answer);
    } catch (error) {
      // The deadlines of the leases decide, not how a stream ended.
      if (!(error instanceof ClientError)) throw error;
    }
    if (this.#stream !== stream) return;
    this.#restart(stream);
    this.#work();
  }

  #onAnswer(stream: KeepAliveStream, { ID, TTL }: LeaseKeepAliveResponse): void {
    const lease = this.#leases.get(ID);
    if (stream !== this.#stream || lease === undefined) return;
    this.#backoff.reset();
    if (TTL > 0n) {
      lease.answered(Number(TTL));
    } else {
      this.#leases.delete(ID);
      const message = `lease ${ID.toString(16)} is gone: it has expired or was revoked`;
      lease.lose(new ClientError({ code: 'leaseNotFound', message }));
    }
    this.#work();
  }

  /** Leaves a stream that is of no use; the next one is opened after a pause. */
  #restart(stream: KeepAliveStream | undefined): void {
    if (stream === undefined || stream !== this.#stream) return;
    this.#dropStream();
    const now = this.#timers.now();
    this.#retryAt = now + this.#backoff.next();
    for (const lease of this.#leases.values()) lease.unsent(now);
  }

  #dropStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
  }
}
