import {
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from '@kvorum/api';
import { decodeKeyValue } from '@kvorum/mvcc';
import { Prng, SimDisk } from '@kvorum/wal/testing';
import { describe, expect, it } from 'vitest';
import { MemoryEngines } from './memory-engines.ts';
import { SimMember, type SimStorage } from './testing/index.ts';

const OPERATIONS = 2000;
const KEYS = 50;
const MOST_AT_A_TIME = 16;
/** Shares of what was not synced that survive: a power cut, something in between, a killed process. */
const KEPT = [0, 0.5, 1];

/** One change of a key, as it was asked for. */
interface Change {
  readonly key: string;
  /** undefined: deleted. */
  readonly value: string | undefined;
}

/** What a crash at one moment leaves, and what had been acknowledged by then. */
interface Image {
  readonly storage: SimStorage;
  readonly acknowledged: number;
  readonly boundary: number;
  readonly kept: number;
}

describe('a crash at any write boundary', () => {
  it('loses nothing that was acknowledged and invents nothing', async () => {
    const prng = new Prng(20_261_122);
    const storage = {
      disk: new SimDisk({ seed: 7 }),
      engines: new MemoryEngines({ crashable: true }),
    };
    const member = await SimMember.start(storage, 1);
    /** The changes of each acknowledged revision. */
    const acknowledged = new Map<number, readonly Change[]>();
    const images: Image[] = [];
    let highest = 1;
    storage.disk.onBoundary = ({ number }) => {
      for (const kept of KEPT) {
        const seed = number * 10 + kept * 2;
        const disk = storage.disk.crashClone(seed, { unsyncedKept: kept });
        const engines = storage.engines.crashClone(seed);
        const image = { storage: { disk, engines }, acknowledged: highest, boundary: number, kept };
        images.push(image);
      }
    };
    let checked = 0;
    for (let done = 0; done < OPERATIONS; ) {
      const count = Math.min(OPERATIONS - done, 1 + prng.below(MOST_AT_A_TIME));
      const running = Array.from({ length: count }, async (_, i) => {
        const changes = draw(prng, done + i);
        const revision = await send(member, changes);
        if (revision !== undefined) acknowledged.set(revision, changes);
        highest = Math.max(highest, revision ?? 0);
      });
      await Promise.all(running);
      done += count;
      // The acknowledgements of this batch are known now, so the images taken meanwhile can be held against them.
      for (const image of images.splice(0)) {
        await check(image, acknowledged);
        checked += 1;
      }
    }
    await member.core.close();
    expect(member.core.store.revision).toBe(highest);
    console.log(`${checked} crash images of ${OPERATIONS} operations hold what was acknowledged`);
    expect(checked).toBeGreaterThan(1000);
  }, 240_000);
});

function draw(prng: Prng, serial: number): Change[] {
  const key = () => `key/${prng.below(KEYS)}`;
  const kind = prng.below(100);
  if (kind < 15) return [{ key: key(), value: undefined }];
  const first = { key: key(), value: `value ${serial}` };
  if (kind < 85) return [first];
  return [first, { key: `${first.key}/second`, value: `second ${serial}` }];
}

/** Sends a write; the revision it made, or undefined when it changed nothing. */
async function send(member: SimMember, changes: readonly Change[]): Promise<number | undefined> {
  const [first, second] = changes;
  if (first === undefined) return undefined;
  const key = Buffer.from(first.key);
  if (first.value === undefined) {
    const path = '/etcdserverpb.KV/DeleteRange';
    const schemas = [DeleteRangeRequestSchema, DeleteRangeResponseSchema] as const;
    const { deleted, header } = await member.call(path, ...schemas, { key });
    return deleted === 0n ? undefined : Number(header?.revision);
  }
  const put = { key, value: Buffer.from(first.value) };
  if (second === undefined) {
    const path = '/etcdserverpb.KV/Put';
    const { header } = await member.call(path, PutRequestSchema, PutResponseSchema, put);
    return Number(header?.revision);
  }
  const other = { key: Buffer.from(second.key), value: Buffer.from(second.value ?? '') };
  const success = [put, other].map((value) => ({
    request: { case: 'requestPut' as const, value },
  }));
  const path = '/etcdserverpb.KV/Txn';
  const { header } = await member.call(path, TxnRequestSchema, TxnResponseSchema, { success });
  return Number(header?.revision);
}

/** Opens an image and holds every revision in it against what was asked for. */
async function check(image: Image, acknowledged: ReadonlyMap<number, readonly Change[]>) {
  const label = `boundary ${image.boundary}, ${image.kept} of the unsynced kept`;
  const member = await SimMember.start(image.storage, 2);
  const { store } = member.core;
  // Fewer revisions: something acknowledged is lost. More than were ever made: something was invented.
  expect(store.revision, label).toBeGreaterThanOrEqual(image.acknowledged);
  expect(acknowledged.has(store.revision) || store.revision === 1, label).toBe(true);
  let wrong: number | undefined;
  for (let next = 2; next <= store.revision; ) {
    const page = store.readEvents(next, 10_000, 1 << 24);
    const byRevision = Map.groupBy(page.events, ({ main }) => main);
    for (let revision = next; revision < page.next; revision++) {
      const found = (byRevision.get(revision) ?? []).map(({ keyText, deleted, kv }) => ({
        key: keyText,
        value: deleted ? undefined : Buffer.from(decodeKeyValue(kv).value).toString(),
      }));
      if (!sameChanges(found, acknowledged.get(revision))) wrong ??= revision;
    }
    next = page.next;
  }
  expect(wrong, label).toBeUndefined();
  await member.core.close();
}

function sameChanges(found: readonly Change[], asked: readonly Change[] | undefined): boolean {
  return (
    asked?.length === found.length &&
    found.every(({ key, value }, i) => key === asked[i]?.key && value === asked[i]?.value)
  );
}
