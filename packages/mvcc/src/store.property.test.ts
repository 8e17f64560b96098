import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import type { ApplyBatch } from './apply-batch.ts';
import type { Engine } from './engine.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import type { RangeResult } from './range-query.ts';
import { isTombstoneRow, readUint32, readUint64 } from './revision-row.ts';
import type { Store } from './store.ts';
import type { StoreEvent } from './store-event.ts';
import type { EngineFactory } from './testing/engine-conformance.ts';
import { memoryEngines, rocksDbEngines } from './testing/engine-factories.ts';
import type { ManualTurns } from './testing/manual-turns.ts';
import { type ModelAnswer, type ModelQuery, ModelStore } from './testing/model.ts';
import {
  answerOf,
  openStore,
  toQuery,
  unpacked,
  versionOf,
  versionOfEvent,
  withoutSub,
} from './testing/store-driver.ts';

type Operation =
  | { readonly do: 'put'; readonly key: string; readonly value: string; readonly lease: bigint }
  | { readonly do: 'delete'; readonly key: string; readonly rangeEnd: string }
  | { readonly do: 'range'; readonly query: ModelQuery };

type Command =
  | { readonly do: 'batch'; readonly txns: readonly (readonly Operation[])[] }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'compactAndTxn'; readonly back: number; readonly txn: readonly Operation[] }
  | { readonly do: 'range'; readonly query: ModelQuery }
  | { readonly do: 'turn' }
  | { readonly do: 'settle' }
  | { readonly do: 'reopen' };

const key = fc.constantFrom(
  'a',
  'aa',
  'ab',
  'b',
  '\0',
  '\0\0',
  'a\0',
  'a\0\xff',
  '\xff',
  '\xff\xff',
);
const rangeEnd = fc.oneof(key, fc.constantFrom('', '\0', 'b', 'c'));
const value = fc.constantFrom('', 'v', 'w', 'x', 'a value that is not kept inline');
const lease = fc.constantFrom(0n, 0n, 1n, 2n, 0x7fff_ffff_ffff_ffffn);
/** Counted back from the newest revision; negative asks for the future. */
const back = fc.integer({ min: -1, max: 12 });

const query: fc.Arbitrary<ModelQuery> = fc.record(
  {
    key,
    rangeEnd,
    revision: fc.oneof(
      fc.constant(0),
      back.map((n) => -1 - n),
    ),
    limit: fc.integer({ min: -1, max: 6 }),
    sortOrder: fc.constantFrom('none' as const, 'ascend' as const, 'descend' as const),
    sortTarget: fc.constantFrom('key', 'version', 'create', 'mod', 'value'),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    minModRevision: fc.integer({ min: 0, max: 10 }),
    maxModRevision: fc.integer({ min: 0, max: 20 }),
    minCreateRevision: fc.integer({ min: 0, max: 10 }),
    maxCreateRevision: fc.integer({ min: 0, max: 20 }),
  },
  { requiredKeys: ['key'] },
);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), key, value, lease }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key, rangeEnd }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('range' as const), query }) },
);
const txn = fc.array(operation, { maxLength: 4 });

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('batch' as const),
      txns: fc.array(txn, { maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('compact' as const), back }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compactAndTxn' as const), back, txn }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('range' as const), query }) },
  { weight: 2, arbitrary: fc.constant({ do: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'settle' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
);

/** A store and the model of it, driven together. */
class Pair {
  readonly model = new ModelStore();
  engine: Engine;
  store: Store;
  turns: ManualTurns;
  readonly #factory: EngineFactory;
  #events: StoreEvent[] = [];

  constructor(engine: Engine, factory: EngineFactory) {
    this.engine = engine;
    this.#factory = factory;
    ({ store: this.store, turns: this.turns } = this.#open());
  }

  async run(step: Command): Promise<void> {
    if (step.do === 'batch') {
      this.#batch((batch) => {
        for (const operations of step.txns) this.#txn(batch, operations);
      });
    } else if (step.do === 'compact') {
      this.#batch((batch) => this.#compact(batch, step.back));
    } else if (step.do === 'compactAndTxn') {
      this.#batch((batch) => {
        this.#compact(batch, step.back);
        this.#txn(batch, step.txn);
      });
    } else if (step.do === 'range') {
      const asked = this.#fixRevision(step.query);
      const expected = plain(this.model.range(asked));
      expect(answerOf(() => this.store.range(toQuery(asked)))).toEqual(expected);
      expect(await this.#packed(asked)).toEqual(expected);
      const { key, rangeEnd = '', limit = 0 } = asked;
      const plainly = { key, rangeEnd, limit };
      expect(await this.#packed(plainly)).toEqual(plain(this.model.range(plainly)));
    } else if (step.do === 'turn') this.turns.run();
    else if (step.do === 'settle') await this.settle();
    else await this.#reopen();
  }

  async settle(): Promise<void> {
    await this.turns.runUntil(this.store.whenCompacted());
    const expected = this.model.kept().map(({ main, sub, deleted }) => ({ main, sub, deleted }));
    expect(revsOf(this.engine)).toEqual(expected);
    expect(historyRows(this.engine)).toBe(expected.length - liveKeys(this.model));
    await this.#checkHash();
  }

  checkState(): void {
    const { store, model } = this;
    expect(store.revision).toBe(model.revision);
    expect(store.compactRevision).toBe(model.compactRevision);
    for (const id of [1n, 2n, 0x7fff_ffff_ffff_ffffn]) {
      expect(store.leaseKeys(id)).toEqual(model.leaseKeys(id));
    }
    for (const text of ['a', 'aa', '\0', '\xff']) {
      const meta = store.get(text);
      const expected = model.at(text, model.revision);
      expect(meta === undefined ? undefined : versionOf(store.wireOf(meta))).toEqual(
        expected === undefined ? undefined : { ...expected, sub: 0 },
      );
    }
  }

  /** Reads all events above the compacted revision in small pages, with what they replaced. */
  checkEvents(): void {
    const { store, model } = this;
    const from = Math.max(1, model.compactRevision + 1);
    const read: StoreEvent[] = [];
    for (let next = from; next <= store.revision; ) {
      const page = store.readEvents(next, 3, 1 << 20);
      expect(page.next).toBeGreaterThan(next);
      read.push(...page.events);
      next = page.next;
    }
    const expected = model.versions.filter((version) => version.main >= from);
    expect(read.map(versionOfEvent)).toEqual(expected);
    read.forEach((event, i) => {
      const version = expected[i];
      const prev = version === undefined ? undefined : model.before(version);
      const visible = prev !== undefined && event.main - 1 >= model.compactRevision;
      const found = store.previousOf(event);
      expect(found === undefined ? undefined : versionOf(found)).toEqual(
        visible ? { ...prev, sub: 0 } : undefined,
      );
    });
  }

  #open(): { store: Store; turns: ManualTurns } {
    const opened = openStore(this.engine);
    opened.store.onCommit((events, revision) => {
      expect(opened.store.revision).toBe(revision);
      this.#events.push(...events);
    });
    return opened;
  }

  /** The same in slices, between which compaction may go on. */
  async #packed(asked: ModelQuery): Promise<ModelAnswer> {
    const read = async () => this.store.packedRangeSoon(toQuery(asked));
    const answer = await this.turns.runUntil(read()).catch((error: unknown) => error);
    return answerOf(() => {
      if (answer instanceof Error) throw answer;
      return unpacked(answer as RangeResult);
    });
  }

  async #reopen(): Promise<void> {
    const { reopen } = this.#factory;
    if (reopen === undefined) return;
    this.engine = await reopen(this.engine);
    ({ store: this.store, turns: this.turns } = this.#open());
  }

  #batch(body: (batch: ApplyBatch) => void): void {
    const before = this.model.versions.length;
    this.#events = [];
    const batch = this.store.batch();
    body(batch);
    for (const id of [1n, 2n]) expect(batch.leaseKeys(id)).toEqual(this.model.leaseKeys(id));
    batch.commit();
    expect(this.#events.map(versionOfEvent)).toEqual(this.model.versions.slice(before));
  }

  #txn(batch: ApplyBatch, operations: readonly Operation[]): void {
    const { model } = this;
    model.begin();
    const transaction = batch.begin();
    expect(transaction.revisionBefore).toBe(model.revision);
    for (const op of operations) {
      if (op.do === 'put') {
        const { prev } = transaction.put(keyBytesOf(op.key), keyBytesOf(op.value), op.lease);
        const expected = model.put(op.key, op.value, op.lease);
        expect(prev === undefined ? [] : [versionOf(transaction.wireOf(prev))]).toEqual(
          expected === undefined ? [] : withoutSub([expected]),
        );
      } else if (op.do === 'delete') {
        const gone = transaction.deleteRange(keyBytesOf(op.key), keyBytesOf(op.rangeEnd));
        const expected = model.deleteRange(op.key, op.rangeEnd);
        expect(gone.map((meta) => versionOf(transaction.wireOf(meta)))).toEqual(
          withoutSub(expected),
        );
      } else {
        const asked = this.#fixRevision(op.query);
        const answer = answerOf(() => transaction.range(toQuery(asked)));
        expect(answer).toEqual(plain(model.range(asked)));
      }
    }
    expect(transaction.end()).toBe(model.revision);
  }

  #compact(batch: ApplyBatch, steps: number): void {
    const revision = this.model.revision - steps;
    const refused = this.model.compact(revision);
    let code: unknown;
    try {
      batch.compact(revision);
    } catch (error) {
      code = error instanceof Error && 'code' in error ? error.code : error;
    }
    expect(code).toBe(refused);
  }

  /** Queries carry "back" steps as negative revisions; makes them absolute. */
  #fixRevision(asked: ModelQuery): ModelQuery {
    const { revision } = asked;
    if (revision === undefined || revision >= 0) return asked;
    return { ...asked, revision: Math.max(0, this.model.revision + revision + 1) };
  }

  async #checkHash(): Promise<void> {
    const { hash, compactRevision } = await this.turns.runUntil(this.store.hashKv(0));
    expect(compactRevision).toBe(this.model.compactRevision);
    const fresh = openStore(this.engine);
    expect((await fresh.turns.runUntil(fresh.store.hashKv(0))).hash).toBe(hash);
  }
}

function plain(answer: ModelAnswer): ModelAnswer {
  return typeof answer === 'string' ? answer : { ...answer, kvs: withoutSub(answer.kvs) };
}

function revsOf(engine: Engine): { main: number; sub: number; deleted: boolean }[] {
  const rows = engine.scan('revs').next(100_000);
  const found: { main: number; sub: number; deleted: boolean }[] = [];
  for (let i = 0; i < rows.length; i += 2) {
    const revKey = rows[i] ?? new Uint8Array(0);
    const row = rows[i + 1] ?? new Uint8Array(0);
    const deleted = isTombstoneRow(row);
    found.push({ main: readUint64(revKey, 0), sub: readUint32(revKey, 8), deleted });
  }
  return found;
}

function historyRows(engine: Engine): number {
  return engine.scan('history', { keysOnly: true }).next(100_000).length / 2;
}

function liveKeys(model: ModelStore): number {
  const answer = model.range({ key: '\0', rangeEnd: '\0' });
  return typeof answer === 'string' ? 0 : answer.count;
}

for (const [name, factory, numRuns] of [
  ['memory', memoryEngines(), 300],
  ['RocksDB', rocksDbEngines(), 25],
] as const) {
  describe(`the store on the ${name} engine`, () => {
    afterEach(() => factory.dispose());

    it('answers like the naive store, whatever is done to both', async () => {
      const property = fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
        const engine = await factory.open();
        const pair = new Pair(engine, factory);
        for (const step of commands) await pair.run(step);
        pair.checkState();
        pair.checkEvents();
        await pair.settle();
        pair.checkState();
        pair.checkEvents();
        await pair.store.close();
      });
      await fc.assert(property, { numRuns });
    });
  });
}

it('keeps keys and their texts in the same order', () => {
  const bytes = fc.uint8Array({ maxLength: 4 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const byText = keyTextOf(a) < keyTextOf(b) ? -1 : keyTextOf(a) > keyTextOf(b) ? 1 : 0;
      expect(byText).toBe(Buffer.compare(a, b));
      expect(keyBytesOf(keyTextOf(a))).toEqual(Buffer.from(a));
    }),
  );
});
