import type { Caller } from './caller.ts';

/** How callers are known once they have given their password. */
export interface Tokens {
  /**
   * What this member adds to an authentication that it replicates: the unguessable part of a simple token, nothing for
   * one that is signed.
   */
  newSecret(): string;
  /** An authentication with that secret was applied, as the entry of this index, at any member. */
  authenticated(username: string, secret: string, index: number): void;
  /** The token of an authentication that was applied at this auth revision. Rejects with `EtcdError`. */
  issue(username: string, authRevision: number, secret: string, index: number): Promise<string>;
  /**
   * Gets what `identify` needs to know about a token; undefined when there is nothing to wait for. Never rejects: what
   * isn't known then is refused.
   */
  prepare(token: string): Promise<void> | undefined;
  /** Who has a token, at this auth revision; undefined when it isn't valid. */
  identify(token: string, authRevision: number): Caller | undefined;
  /** The user is gone or has another password. */
  forget(username: string): void;
  /** Nobody is asked for tokens any more, or it isn't known what has become of their users. */
  forgetAll(): void;
  /** The member ends. */
  stop(): void;
}
