import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyBytesOf } from '../key-text.ts';
import { decodeKeyValue } from '../key-value.ts';
import { ManualTurns } from '../testing/manual-turns.ts';
import { type Change, MemorySource } from './testing/memory-source.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { StoreSource } from './testing/store-source.ts';
import { WatchHub } from './watch-hub.ts';
import type { WatchLimits } from './watch-limits.ts';
import type { Watcher, WatchRequest } from './watcher.ts';

const KEYS = ['a', 'b', 'b\0', 'c', '\xff'];
const key = fc.constantFrom(...KEYS);
const change = fc.record({ key, deleted: fc.nat(3).map((n) => n === 0) });

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      transactions: fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('watch' as const),
      key,
      rangeEnd: fc.constantFrom('', '', '\0', 'c', '\xff\xff'),
      start: fc.oneof(fc.constant(0), fc.integer({ min: -12, max: 4 })),
      prevKv: fc.boolean(),
      noPut: fc.nat(3).map((n) => n === 0),
      noDelete: fc.nat(3).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(8) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pause' as const), who: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('resume' as const), who: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), who: fc.nat(20) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One watcher and what the model knows of it. */
interface Watched {
  readonly request: WatchRequest;
  readonly watcher: Watcher;
  readonly sink: RecordingSink;
  /** First revision that it is to hear of. */
  readonly from: number;
  /** Compacted revision when it was made. */
  readonly compactedAtStart: number;
}

class World {
  readonly turns = new ManualTurns();
  readonly source: MemorySource | StoreSource;
  readonly hub: WatchHub;
  readonly all: Watched[] = [];
  #clock = 0;
  #values = 0;

  constructor(
    { ringBytes, maxSliceMs, limits }: Settings,
    makeSource: (turns: ManualTurns) => MemorySource | StoreSource,
  ) {
    this.source = makeSource(this.turns);
    // A clock that moves at every look cuts the work into slices wherever it can be cut.
    const now = () => this.#clock++;
    this.hub = new WatchHub({
      source: this.source,
      turn: this.turns.turn,
      now,
      ringBytes,
      maxSliceMs,
      limits,
    });
  }

  run(todo: Step): void {
    switch (todo.kind) {
      case 'commit':
        this.source.commit(...todo.transactions.map((changes) => changes.map(this.#change)));
        return;
      case 'watch':
        this.#watch(todo);
        return;
      case 'compact': {
        const revision = this.source.revision - todo.back;
        const isAbove = revision > Math.max(this.source.compactRevision, 0);
        if (isAbove && !this.#changesTwice(revision)) this.source.compact(revision);
        return;
      }
      case 'turn':
        this.turns.run();
        return;
      default: {
        const watched = this.all[todo.who % Math.max(this.all.length, 1)];
        if (watched === undefined) return;
        if (todo.kind === 'cancel') watched.watcher.cancel();
        else watched.sink.full = todo.kind === 'pause';
        if (todo.kind === 'resume') watched.watcher.resume();
      }
    }
  }

  /**
   * Whether a revision changes a key twice. The first of such changes is never visible, so a compaction at this very
   * revision removes it, as in etcd, and a watch from there on does not show it.
   */
  #changesTwice(revision: number): boolean {
    const keys = this.source.events.filter(({ main }) => main === revision);
    return new Set(keys.map(({ keyText }) => keyText)).size < keys.length;
  }

  /** Every value is different, so that no event can pass for another. */
  readonly #change = (todo: { key: string; deleted: boolean }): Change => {
    this.#values += 1;
    return [todo.key, todo.deleted ? undefined : `v${this.#values}`];
  };

  #watch(todo: Extract<Step, { kind: 'watch' }>): void {
    const { revision, compactRevision } = this.source;
    const start = todo.start === 0 ? 0 : Math.max(1, revision + todo.start);
    const rangeEnd = todo.rangeEnd.length > 1 || todo.rangeEnd > todo.key ? todo.rangeEnd : '';
    const request: WatchRequest = {
      key: keyBytesOf(todo.key),
      rangeEnd: keyBytesOf(todo.rangeEnd === '\0' ? '\0' : rangeEnd),
      startRevision: start,
      prevKv: todo.prevKv,
      noPut: todo.noPut,
      noDelete: todo.noDelete,
    };
    const sink = new RecordingSink();
    const watcher = this.hub.watch(request, sink);
    const from = start === 0 ? revision + 1 : start;
    this.all.push({ request, watcher, sink, from, compactedAtStart: compactRevision });
  }

  /** All that a watcher is to hear from its start up to `revision`, by the definition of a watch. */
  expected(watched: Watched, revision: number): string[] {
    const { request, from } = watched;
    const low = Buffer.from(request.key).toString('latin1');
    const end = Buffer.from(request.rangeEnd).toString('latin1');
    const story: string[] = [];
    for (const event of this.source.events) {
      if (event.main < from || event.main > revision) continue;
      const { keyText } = event;
      if (end === '' ? keyText !== low : keyText < low || (end !== '\0' && keyText >= end))
        continue;
      if (event.deleted ? request.noDelete : request.noPut) continue;
      const value = Buffer.from(decodeKeyValue(event.kv).value).toString('latin1');
      story.push(event.deleted ? `-${keyText}@${event.main}` : `${keyText}=${value}@${event.main}`);
    }
    return story;
  }

  /** What holds at every moment, whatever is still on its way. */
  checkAlways(): void {
    for (const watched of this.all) {
      const { watcher, sink } = watched;
      const heard = this.heard(watched);
      if (!watcher.closed) {
        // Nothing below the cursor is missing, nothing came twice or out of order, nothing too much.
        const nextRevision = Math.max(watcher.nextRevision, sink.promised + 1);
        expect(heard).toEqual(this.expected(watched, nextRevision - 1));
        if (watcher.synced) {
          expect(heard).toEqual(this.expected(watched, this.source.revision));
          expect(this.hub.syncedAt([watcher], this.source.revision)).toBe(true);
        }
      } else {
        expect(heard).toEqual(this.expected(watched, this.source.revision).slice(0, heard.length));
      }
    }
  }

  /** What holds when everybody took what there was. */
  checkAtEnd(): void {
    for (const watched of this.all) {
      const { watcher, sink, from, compactedAtStart } = watched;
      if (sink.compacted === undefined) {
        if (watcher.closed) continue;
        expect(watcher.synced || from > this.source.revision).toBe(true);
        expect(this.heard(watched)).toEqual(this.expected(watched, this.source.revision));
        expect(from < compactedAtStart).toBe(false);
      } else {
        expect(sink.compacted).toBeGreaterThan(watcher.nextRevision);
      }
    }
    const open = this.all.filter(({ watcher }) => !watcher.closed).length;
    expect(this.hub.metrics).toMatchObject({ watchers: open, slowWatchers: 0, pendingEvents: 0 });
  }

  heard({ sink, request }: Watched): string[] {
    for (const event of sink.seen) {
      // What was replaced may be compacted, but must never be another value, nor come unasked.
      if (event.prev === undefined) continue;
      expect(request.prevKv).toBe(true);
      expect(event.prev).toBe(this.#valueBefore(event.key, event.mod));
    }
    return sink.seen.map(({ type, key: name, value, mod }) =>
      type === 'DELETE' ? `-${name}@${mod}` : `${name}=${value}@${mod}`,
    );
  }

  #valueBefore(keyText: string, revision: number): string | undefined {
    const before = this.source.events.findLast(
      (event) => event.keyText === keyText && event.main < revision,
    );
    if (before === undefined || before.deleted) return undefined;
    return Buffer.from(decodeKeyValue(before.kv).value).toString('latin1');
  }
}

interface Settings {
  readonly ringBytes: number;
  readonly maxSliceMs: number;
  readonly limits: Partial<WatchLimits>;
}

/** Small numbers are frequent, so that work is cut wherever it can be. */
const settings: fc.Arbitrary<Settings> = fc.record({
  ringBytes: fc.constantFrom(1, 1500, 8000, 1_000_000),
  maxSliceMs: fc.constantFrom(1, 1, 2, 5, 1000),
  limits: fc.record({
    pageEvents: fc.constantFrom(1, 2, 5, 512),
    pageBytes: fc.constantFrom(1, 1000, 1_000_000),
    pagePairs: fc.constantFrom(1, 1, 3, 1000),
    movesPerStep: fc.constantFrom(1, 1, 2, 256),
    callsPerLook: fc.constantFrom(1, 1, 1, 2, 32),
  }),
});

describe('WatchHub against its definition', () => {
  it.each([
    ['a naive source', 200, () => new MemorySource(false)],
    ['a store', 100, (turns: ManualTurns) => new StoreSource(turns.turn)],
  ] as const)('shows every watcher of %s exactly its events', (_name, numRuns, makeSource) => {
    const steps = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' });
    fc.assert(
      fc.property(settings, steps, (chosen, todos) => {
        const world = new World(chosen, makeSource);
        for (const [index, todo] of todos.entries()) {
          world.run(todo);
          if (index % 8 === 0) world.checkAlways();
        }
        for (const { sink, watcher } of world.all) {
          sink.full = false;
          watcher.resume();
        }
        while (world.turns.run());
        world.checkAlways();
        world.checkAtEnd();
      }),
      { numRuns },
    );
  });
});
