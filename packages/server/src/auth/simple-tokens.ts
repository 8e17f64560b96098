import type { Clock } from '../clock.ts';
import type { Caller } from './caller.ts';
import type { Tokens } from './tokens.ts';

export interface SimpleTokenOptions {
  readonly clock: Clock;
  /** --auth-token-ttl, in ms: a token that isn't used for so long is forgotten. */
  readonly ttlMs: number;
  /** Letters that nobody can guess, new ones each time. */
  readonly secret: () => string;
  /** Index of the last entry that this member has applied. */
  readonly appliedIndex: () => number;
  /** Resolves when this member has applied what was acknowledged anywhere before; may reject. */
  readonly catchUp: () => Promise<void>;
}

interface Holder {
  readonly username: string;
  lastUsedMs: number;
}

/** Tokens are looked through for those to be forgotten so often. */
const SWEEP_EVERY_MS = 1000;
const FORM = /^[A-Za-z]+\.([0-9]{1,16})$/;

/**
 * Tokens of letters, a dot, and the index of the entry that made them: `QWertyUiopAsdfgh.9`. That entry makes them
 * known to every member. Each member forgets a token by itself that it hasn't seen for a while, and all of them at a restart:
 * clients then authenticate again.
 */
export class SimpleTokens implements Tokens {
  readonly #options: SimpleTokenOptions;
  readonly #holders = new Map<string, Holder>();
  #stopSweeping: (() => void) | undefined;

  constructor(options: SimpleTokenOptions) {
    this.#options = options;
  }

  /** Tokens that are known. */
  get size(): number {
    return this.#holders.size;
  }

  newSecret(): string {
    return this.#options.secret();
  }

  authenticated(username: string, secret: string, index: number): void {
    // From a member that signs its tokens: they need not be known here.
    if (secret === '') return;
    const { clock } = this.#options;
    this.#holders.set(`${secret}.${index}`, { username, lastUsedMs: clock.nowMs() });
    this.#stopSweeping ??= clock.every(SWEEP_EVERY_MS, () => this.#sweep());
  }

  async issue(
    _username: string,
    _authRevision: number,
    secret: string,
    index: number,
  ): Promise<string> {
    return `${secret}.${index}`;
  }

  /** A token of an entry that this member hasn't applied yet may be good all the same. */
  prepare(token: string): Promise<void> | undefined {
    if (this.#holders.has(token)) return undefined;
    const index = Number(FORM.exec(token)?.[1] ?? 0);
    const { appliedIndex, catchUp } = this.#options;
    return index > appliedIndex() ? catchUp().catch(() => {}) : undefined;
  }

  /** A simple token is good at any auth revision: what its user may do is looked up each time. */
  identify(token: string, authRevision: number): Caller | undefined {
    const holder = this.#holders.get(token);
    if (holder === undefined) return undefined;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - holder.lastUsedMs > this.#options.ttlMs) return undefined;
    holder.lastUsedMs = nowMs;
    return { username: holder.username, authRevision };
  }

  forget(username: string): void {
    for (const [token, holder] of this.#holders) {
      if (holder.username === username) this.#holders.delete(token);
    }
  }

  forgetAll(): void {
    this.#holders.clear();
    this.stop();
  }

  stop(): void {
    this.#stopSweeping?.();
    this.#stopSweeping = undefined;
  }

  #sweep(): void {
    const oldestMs = this.#options.clock.nowMs() - this.#options.ttlMs;
    for (const [token, { lastUsedMs }] of this.#holders) {
      if (lastUsedMs < oldestMs) this.#holders.delete(token);
    }
    if (this.#holders.size === 0) this.stop();
  }
}
