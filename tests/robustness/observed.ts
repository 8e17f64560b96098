import type { Event as WireEvent } from '@kvorum/api';
import { Event_EventType as EventType } from '@kvorum/api';
import { type Pair, wire } from '@kvorum/server/testing';
import type { TestClient } from '../framework/client.ts';
import type { Event } from './model.ts';

const everything = Buffer.from([0]);

/** What a member says about itself after a restart. */
export interface Observed {
  readonly revision: number;
  readonly keys: readonly Pair[];
}

/** All keys, now or at a revision of the past. */
export async function observe(client: TestClient, revision = 0): Promise<Observed> {
  const { header, kvs } = await client.kv.range({
    key: everything,
    rangeEnd: everything,
    revision: BigInt(revision),
  });
  return { revision: Number(header?.revision), keys: kvs.map(wire.pairOf) };
}

/** Ids of all leases. */
export async function observeLeases(client: TestClient): Promise<ReadonlySet<bigint>> {
  const { leases } = await client.lease.leaseLeases({});
  return new Set(leases.map(({ ID }) => ID));
}

export function eventOf({ type, kv }: WireEvent): Event {
  if (kv === undefined) throw new Error('an event without a key');
  const { key, value, modRevision, createRevision, version, lease } = wire.pairOf(kv);
  const deleted = type === EventType.DELETE;
  return {
    key,
    value: deleted ? undefined : value,
    lease,
    revision: modRevision,
    createRevision,
    version,
  };
}
