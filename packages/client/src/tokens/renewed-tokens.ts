import type { TokenSource } from '../caller.ts';
import type { Timers } from '../timers.ts';
import { lifetimeOf } from './jwt.ts';

/** A token is renewed when this share of its life is left, but no more than so many ms. */
const renewalShare = 0.2;
const longestMarginMs = 60_000;
/** After a renewal ahead of time has failed, it is tried again so much later, in ms. */
const retryMs = 1000;

/** What tokens are renewed with. */
export interface RenewedTokensOptions {
  /** Gets one; undefined where none is needed. Rejects with `ClientError`. */
  readonly obtain: () => Promise<string | undefined>;
  readonly timers: Timers;
  /** Milliseconds since 1970, for tokens that say when they end but not when they began. Undefined: nobody knows. */
  readonly wallClock: (() => number) | undefined;
}

/** A token, and by the client's timers when to have the next one. */
interface Held {
  readonly token: string | undefined;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/**
 * Tokens that are got when one is needed, once for all calls that wait for it: the first one, one in the place of a
 * token that was refused, and one ahead of the end that a JSON Web Token says it has; for that no call waits.
 */
export class RenewedTokens implements TokenSource {
  readonly #options: RenewedTokensOptions;
  #held: Held | undefined = undefined;
  #obtaining: Promise<Held> | undefined = undefined;
  #retryAt = 0;

  constructor(options: RenewedTokensOptions) {
    this.#options = options;
  }

  async token(): Promise<string | undefined> {
    const held = this.#held;
    const now = this.#options.timers.now();
    if (held === undefined || now >= held.expiresAt) return (await this.#obtain()).token;
    if (now >= held.renewAt && now >= this.#retryAt) this.#renewAhead();
    return held.token;
  }

  reject(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  #renewAhead(): void {
    this.#obtain().catch(() => {
      this.#retryAt = this.#options.timers.now() + retryMs;
    });
  }

  #obtain(): Promise<Held> {
    this.#obtaining ??= this.#ask().finally(() => {
      this.#obtaining = undefined;
    });
    return this.#obtaining;
  }

  async #ask(): Promise<Held> {
    const { obtain, timers, wallClock } = this.#options;
    const token = await obtain();
    const now = timers.now();
    const lifetimeMs = token === undefined ? undefined : lifetimeOf(token, wallClock?.());
    const life = lifetimeMs ?? Number.POSITIVE_INFINITY;
    const marginMs = Math.min(life * renewalShare, longestMarginMs);
    // One that is over already is for the server to judge: perhaps our clock is wrong.
    const expiresAt = life === 0 ? Number.POSITIVE_INFINITY : now + life;
    this.#held = { token, renewAt: expiresAt - marginMs, expiresAt };
    return this.#held;
  }
}
