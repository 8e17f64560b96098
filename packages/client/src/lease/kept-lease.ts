import { ClientError } from '../errors.ts';

/** Share of a lease's time after which it is renewed: two more attempts fit into the rest. */
const renewalShare = 1 / 3;
/** Share of its time that one renewal may take, and within which bounds in ms. */
const answerShare = 1 / 6;
const shortestAnswerMs = 250;
const longestAnswerMs = 5000;
/**
 * Share of its time by which a lease counts as lost before the server can have expired it, and at most so many ms:
 * what clocks of different speed and a late timer may amount to.
 */
const marginShare = 1 / 10;
const largestMarginMs = 1000;

/**
 * How a lease stands, by the client's own clock. The server counts its time from when it handles a renewal, which is
 * not before the request was sent: it cannot have expired before `sentAt` + TTL.
 */
export class KeptLease {
  readonly id: bigint;
  readonly #lost = new AbortController();
  #ttlMs = 0;
  #renewAt = 0;
  #loseAt = 0;
  /** When the renewal was sent whose answer is awaited. */
  #sentAt: number | undefined = undefined;

  constructor(id: bigint) {
    this.id = id;
  }

  /** Fires, with a `ClientError` as its reason, when nobody may count on the lease any more. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** When it counts as lost. */
  get loseAt(): number {
    return this.#loseAt;
  }

  /** When there is next something to do for it. */
  get dueAt(): number {
    const next = this.#sentAt === undefined ? this.#renewAt : this.#sentAt + this.#answerMs;
    return Math.min(next, this.#loseAt);
  }

  /** Whether a renewal is awaited that takes too long. */
  isOverdue(now: number): boolean {
    return this.#sentAt !== undefined && now >= this.#sentAt + this.#answerMs;
  }

  /** Whether it should be renewed: now, or so soon that it can be done along with others. */
  shouldRenew(now: number): boolean {
    return this.#sentAt === undefined && now >= this.#renewAt - this.#ttlMs / 30;
  }

  sent(now: number): void {
    this.#sentAt = now;
  }

  /** No answer will come to what was sent: it is to be sent again. */
  unsent(now: number): void {
    if (this.#sentAt === undefined) return;
    this.#sentAt = undefined;
    this.#renewAt = now;
  }

  /** An answer has come to what was sent last. */
  answered(ttlSeconds: number): void {
    if (this.#sentAt !== undefined) this.renewed(this.#sentAt, ttlSeconds);
  }

  /** The server gave it so long, when asked at `sentAt`; `fullTtlSeconds` is what renewals give, if that is more. */
  renewed(sentAt: number, ttlSeconds: number, fullTtlSeconds = ttlSeconds): void {
    const ttlMs = ttlSeconds * 1000;
    this.#sentAt = undefined;
    this.#ttlMs = fullTtlSeconds * 1000;
    this.#renewAt = sentAt + ttlMs * renewalShare;
    this.#loseAt = sentAt + ttlMs - Math.min(ttlMs * marginShare, largestMarginMs);
  }

  /** Fires the signal if the time is over. */
  maybeExpire(now: number): boolean {
    if (now < this.#loseAt) return false;
    const message = `lease ${this.id.toString(16)} could not be renewed in time; it may have expired`;
    this.lose(new ClientError({ code: 'leaseExpired', message }));
    return true;
  }

  lose(reason: ClientError): void {
    this.#lost.abort(reason);
  }

  get #answerMs(): number {
    return Math.min(Math.max(this.#ttlMs * answerShare, shortestAnswerMs), longestAnswerMs);
  }
}
