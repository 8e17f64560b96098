import { EtcdError, grpcStatus } from '@kvorum/api';
import type { Clock } from '../clock.ts';
import type { Caller } from './caller.ts';
import type { JwtKeys } from './jwt-keys.ts';
import type { Tokens } from './tokens.ts';

export interface JwtOptions {
  readonly keys: JwtKeys;
  /** How long a token is good, in ms. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

/** What a token says whose signature was found to be right. */
interface Verified extends Caller {
  /** In ms since 1970; Infinity for a token that never expires. */
  readonly expiresAtMs: number;
}

/** Tokens whose signature need not be checked again; the oldest is dropped for one more. */
const MAX_VERIFIED = 10_000;

/**
 * Signed tokens (RFC 7519) with the claims `username`, `revision` and `exp`, as etcd makes them. Nothing about them is
 * kept, so any member with the key knows them, but they can't be taken back: they are good until they expire or the
 * auth revision moves on.
 */
export class JwtTokens implements Tokens {
  readonly #options: JwtOptions;
  readonly #verified = new Map<string, Verified>();

  constructor(options: JwtOptions) {
    this.#options = options;
  }

  newSecret(): string {
    return '';
  }

  authenticated(): void {}

  async issue(username: string, authRevision: number): Promise<string> {
    const { keys, ttlMs, clock } = this.#options;
    if (keys.sign === undefined) {
      const text = 'auth: token signing attempted with verify-only key';
      throw new EtcdError('unmapped', grpcStatus.unknown, text);
    }
    const { SignJWT } = await import('jose');
    return await new SignJWT({ username, revision: authRevision })
      .setProtectedHeader({ alg: keys.method, typ: 'JWT' })
      .setExpirationTime(Math.floor((clock.wallMs() + ttlMs) / 1000))
      .sign(keys.sign);
  }

  prepare(token: string): Promise<void> | undefined {
    return this.#verified.has(token) ? undefined : this.#verify(token);
  }

  identify(token: string): Caller | undefined {
    const verified = this.#verified.get(token);
    if (verified === undefined) return undefined;
    if (verified.expiresAtMs > this.#options.clock.wallMs()) return verified;
    this.#verified.delete(token);
    return undefined;
  }

  forget(): void {}

  forgetAll(): void {}

  stop(): void {}

  /** Notes what a token says, if its signature is right. */
  async #verify(token: string): Promise<void> {
    const { keys, clock } = this.#options;
    const { jwtVerify } = await import('jose');
    const options = { algorithms: [keys.method], currentDate: new Date(clock.wallMs()) };
    const claims = await jwtVerify(token, keys.verify, options).then(
      ({ payload }) => payload,
      () => undefined,
    );
    if (claims === undefined) return;
    const { username, revision, exp } = claims;
    if (typeof username !== 'string' || typeof revision !== 'number') return;
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size < MAX_VERIFIED) break;
      this.#verified.delete(oldest);
    }
    const expiresAtMs = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
    this.#verified.set(token, { username, authRevision: revision, expiresAtMs });
  }
}
