import type { KeyValue, Event as WireEvent } from '@kvorum/api';
import { Event_EventType as EventType } from '@kvorum/api';
import type { TestClient } from '../framework/client.ts';
import type { Event, KeyState } from './model.ts';

const everything = Buffer.from([0]);

/** What a member says about itself after a restart. */
export interface Observed {
  readonly revision: number;
  readonly keys: readonly KeyState[];
}

/** All keys, now or at a revision of the past. */
export async function observe(client: TestClient, revision = 0): Promise<Observed> {
  const { header, kvs } = await client.kv.range({
    key: everything,
    rangeEnd: everything,
    revision: BigInt(revision),
  });
  return { revision: Number(header?.revision), keys: kvs.map(keyStateOf) };
}

/** Ids of all leases. */
export async function observeLeases(client: TestClient): Promise<ReadonlySet<bigint>> {
  const { leases } = await client.lease.leaseLeases({});
  return new Set(leases.map(({ ID }) => ID));
}

function keyStateOf(kv: KeyValue): KeyState {
  return {
    key: Buffer.from(kv.key).toString(),
    value: Buffer.from(kv.value).toString(),
    lease: kv.lease,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
  };
}

export function eventOf({ type, kv }: WireEvent): Event {
  if (kv === undefined) throw new Error('an event without a key');
  const { key, value, modRevision, createRevision, version, lease } = keyStateOf(kv);
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
