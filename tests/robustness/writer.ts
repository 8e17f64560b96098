import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RequestOpSchema } from '@kvorum/api';
import type { Pair } from '@kvorum/server/testing';
import type { TestClient } from '../framework/client.ts';
import type { Prng } from '../framework/prng.ts';
import type { Change } from './model.ts';

/** Something a client asked for. */
export interface Write {
  readonly what: string;
  /** What it changes, in order; empty when it changes no key. */
  readonly changes: readonly Change[];
  /** A lease that it grants or revokes. */
  readonly grants?: bigint;
  readonly revokes?: bigint;
  /** Revision of the answer; undefined as long as there is none: then it may have happened or not. */
  acknowledged: number | undefined;
}

/** A write that was chosen, and how to send it. */
interface Plan {
  readonly write: Write;
  /** Resolves with the revision of the answer. */
  send(client: TestClient): Promise<bigint | undefined>;
}

type Operation = MessageInitShape<typeof RequestOpSchema>;

const keyCount = 8;
const ttlSeconds = 3_600n;
const leasesPerWriter = 1_000_000n;

/** One client: writes one thing after the other, to keys and leases that are its own. */
export class Writer {
  readonly #name: number;
  readonly #random: Prng;
  /** Its keys that are there, with their leases. Exact as long as every write is answered. */
  readonly #keys = new Map<string, bigint>();
  readonly #leases = new Set<bigint>();
  #count = 0;

  constructor(name: number, random: Prng) {
    this.#name = name;
    this.#random = random;
  }

  /** Keys of this writer. */
  get range(): { readonly key: string; readonly rangeEnd: string } {
    return { key: `w${this.#name}/`, rangeEnd: `w${this.#name}0` };
  }

  /** Takes up what is there, after writes whose fate was not known. */
  resync(keys: readonly Pair[], leases: ReadonlySet<bigint>): void {
    this.#keys.clear();
    this.#leases.clear();
    for (const { key, lease } of keys) if (this.#owns(key)) this.#keys.set(key, lease);
    for (const lease of leases)
      if (lease / leasesPerWriter === BigInt(this.#name)) this.#leases.add(lease);
  }

  /** Takes up a write that was answered. */
  acknowledge({ changes, grants, revokes }: Write): void {
    for (const { key, value, lease } of changes) {
      if (value === undefined) this.#keys.delete(key);
      else this.#keys.set(key, lease);
    }
    if (grants !== undefined) this.#leases.add(grants);
    if (revokes !== undefined) this.#leases.delete(revokes);
  }

  /** The next thing to do. */
  plan(): Plan {
    this.#count++;
    const [lease] = this.#leases;
    return this.#random.weighted<() => Plan>([
      [50, () => this.#put()],
      [15, () => this.#delete()],
      [20, () => this.#txn()],
      [lease === undefined ? 10 : 3, () => this.#grant()],
      [lease === undefined ? 0 : 12, () => this.#put(lease)],
      [lease === undefined ? 0 : 4, () => this.#revoke(lease ?? 0n)],
    ])();
  }

  #owns(key: string): boolean {
    return key.startsWith(this.range.key);
  }

  #key(): string {
    return `w${this.#name}/${this.#random.below(keyCount)}`;
  }

  /** Unlike any value that was ever written. */
  #value(): string {
    return `${this.#name}-${this.#count}`;
  }

  #put(lease = 0n): Plan {
    const change = { key: this.#key(), value: this.#value(), lease };
    return {
      write: { what: `put ${change.key}`, changes: [change], acknowledged: undefined },
      send: async ({ kv }) => (await kv.put(putOf(change))).header?.revision,
    };
  }

  #delete(): Plan {
    const key = this.#key();
    const changes = this.#keys.has(key) ? [{ key, value: undefined, lease: 0n }] : [];
    return {
      write: { what: `delete ${key}`, changes, acknowledged: undefined },
      send: async ({ kv }) => (await kv.deleteRange({ key: Buffer.from(key) })).header?.revision,
    };
  }

  /** Puts two keys and deletes a third: all or nothing. */
  #txn(): Plan {
    const keys = Array.from({ length: keyCount }, (_, index) => `w${this.#name}/${index}`);
    const first = this.#random.below(keyCount - 2);
    const [a = '', b = '', gone = ''] = keys.slice(first);
    const value = this.#value();
    const puts = [a, b].map((key) => ({ key, value, lease: 0n }));
    const changes: Change[] = [...puts];
    if (this.#keys.has(gone)) changes.push({ key: gone, value: undefined, lease: 0n });
    const success: Operation[] = [
      ...puts.map((put): Operation => ({ request: { case: 'requestPut', value: putOf(put) } })),
      { request: { case: 'requestDeleteRange', value: { key: Buffer.from(gone) } } },
    ];
    return {
      write: { what: `txn on ${a}, ${b}, ${gone}`, changes, acknowledged: undefined },
      send: async ({ kv }) => (await kv.txn({ success })).header?.revision,
    };
  }

  #grant(): Plan {
    const ID = BigInt(this.#name) * leasesPerWriter + BigInt(this.#count);
    return {
      write: { what: `grant ${ID}`, changes: [], grants: ID, acknowledged: undefined },
      send: async ({ lease }) => {
        return (await lease.leaseGrant({ ID, TTL: ttlSeconds })).header?.revision;
      },
    };
  }

  #revoke(ID: bigint): Plan {
    const attached = [...this.#keys].filter(([, lease]) => lease === ID).map(([key]) => key);
    const changes = attached.sort().map((key) => ({ key, value: undefined, lease: 0n }));
    return {
      write: { what: `revoke ${ID}`, changes, revokes: ID, acknowledged: undefined },
      send: async ({ lease }) => (await lease.leaseRevoke({ ID })).header?.revision,
    };
  }
}

function putOf({ key, value = '', lease }: Change) {
  return { key: Buffer.from(key), value: Buffer.from(value), lease };
}
