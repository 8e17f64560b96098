import type { MemberId } from '@kvorum/raft';

/** What other members may ask this one beside raft's messages, by path. Rejects with `EtcdError`. */
export type PeerMethods = ReadonlyMap<string, (request: Uint8Array) => Promise<Uint8Array>>;

/** The way to other members for what is asked rather than told. */
export interface PeerCalls {
  /** Rejects with h2's `CallError`; UNAVAILABLE at once when there is no way to that member. */
  call(id: MemberId, path: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** How long a member has been connected without a break, in ms; undefined when it isn't. */
  activeForMs(id: MemberId): number | undefined;
}
