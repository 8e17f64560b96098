import { describe, expect, it } from 'vitest';
import { keyBytesOf } from '../key-text.ts';
import { ManualTurns } from '../testing/manual-turns.ts';
import { MemorySource } from './testing/memory-source.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { WatchHub } from './watch-hub.ts';
import type { Watcher, WatchRequest } from './watcher.ts';

interface Setup {
  readonly source: MemorySource;
  readonly turns: ManualTurns;
  readonly hub: WatchHub;
}

function setup(ringBytes = 1024 * 1024, source = new MemorySource()): Setup {
  const turns = new ManualTurns();
  return {
    source,
    turns,
    hub: new WatchHub({ source, turn: turns.turn, now: () => 0, ringBytes }),
  };
}

/** A ring too small for any event: whoever lags reads from disk. */
const NO_RING = 1;

interface Options {
  key?: string;
  rangeEnd?: string;
  start?: number;
  prevKv?: boolean;
  noPut?: boolean;
  noDelete?: boolean;
}

function request(options: Options): WatchRequest {
  return {
    key: keyBytesOf(options.key ?? 'a'),
    rangeEnd: keyBytesOf(options.rangeEnd ?? ''),
    startRevision: options.start ?? 0,
    prevKv: options.prevKv ?? false,
    noPut: options.noPut ?? false,
    noDelete: options.noDelete ?? false,
  };
}

function watch(hub: WatchHub, options: Options): { sink: RecordingSink; watcher: Watcher } {
  const sink = new RecordingSink();
  return { sink, watcher: hub.watch(request(options), sink) };
}

function runAll(turns: ManualTurns): void {
  while (turns.run());
}

describe('WatchHub', () => {
  it('hands over within the commit what a watcher without a start asked for', () => {
    const { source, hub } = setup();
    source.commit([['a', 'before']]);
    const { sink } = watch(hub, {});
    source.commit([['a', '1']], [['b', '1']], [['a', undefined]]);
    expect(sink.story).toEqual(['a=1@3', '-a@5']);
    expect(sink.batches).toHaveLength(1);
    expect(sink.promised).toBe(5);
  });

  it('gives a deletion key and mod_revision and nothing else', () => {
    const { source, hub } = setup();
    const { sink } = watch(hub, {});
    source.commit([['a', 'x']], [['a', undefined]]);
    const deleted = { type: 'DELETE', key: 'a', value: '', mod: 3, create: 0, prev: undefined };
    expect(sink.seen[1]).toEqual(deleted);
  });

  const ranges: [name: string, options: Options, expected: string[]][] = [
    ['one key', { key: 'b' }, ['b']],
    ['a half-open range', { key: 'b', rangeEnd: 'c' }, ['b', 'b\xff']],
    ['everything from a key on', { key: 'b\xff', rangeEnd: '\0' }, ['b\xff', 'c', '\xff\xff']],
    ['everything', { key: '\0', rangeEnd: '\0' }, ['a', 'b', 'b\xff', 'c', '\xff\xff']],
    [
      'everything for an empty key',
      { key: '', rangeEnd: '\0' },
      ['a', 'b', 'b\xff', 'c', '\xff\xff'],
    ],
  ];
  it.each(ranges)('matches %s', (_name, options, expected) => {
    const { source, hub, turns } = setup();
    const synced = watch(hub, options);
    for (const key of ['a', 'b', 'b\xff', 'c', '\xff\xff']) source.commit([[key, '']]);
    const late = watch(hub, { ...options, start: 1 });
    runAll(turns);
    for (const { sink } of [synced, late]) {
      expect(sink.seen.map((event) => event.key)).toEqual(expected);
    }
  });

  it('refuses a range that holds no key', () => {
    const { hub } = setup();
    expect(() => watch(hub, { key: 'b', rangeEnd: 'b' })).toThrow('at least one key');
    expect(() => watch(hub, { key: 'b', rangeEnd: 'a' })).toThrow('at least one key');
  });

  const filters: [name: string, options: Options, expected: string[]][] = [
    ['puts', { noPut: true }, ['-a@3', '-a@5']],
    ['deletions', { noDelete: true }, ['a=1@2', 'a=2@4']],
    ['both, and then nothing is left', { noPut: true, noDelete: true }, []],
  ];
  it.each(filters)('leaves out %s', (_name, options, expected) => {
    const { source, hub, turns } = setup();
    const synced = watch(hub, options);
    source.commit([['a', '1']], [['a', undefined]], [['a', '2']], [['a', undefined]]);
    const late = watch(hub, { ...options, start: 2 });
    runAll(turns);
    expect(synced.sink.story).toEqual(expected);
    expect(late.sink.story).toEqual(expected);
  });

  it.each([
    ['at hand', true],
    ['on disk', false],
  ])('attaches what was replaced, but not to creations, when it is %s', (_name, prevAtHand) => {
    const { source, hub } = setup(undefined, new MemorySource(prevAtHand));
    const { sink } = watch(hub, { prevKv: true });
    const plain = watch(hub, {});
    source.commit([['a', '1']], [['a', '2']], [['a', undefined]], [['a', '3']]);
    expect(sink.story).toEqual(['a=1@2', 'a=2@3(1)', '-a@4(2)', 'a=3@5']);
    expect(plain.sink.story).toEqual(['a=1@2', 'a=2@3', '-a@4', 'a=3@5']);
  });

  it('leaves out what was replaced when that is compacted', () => {
    const { source, hub, turns } = setup(NO_RING, new MemorySource(false));
    source.commit([['a', '1']]);
    source.commit([['a', '2']]);
    source.commit([['a', '3']]);
    source.compact(3);
    const { sink } = watch(hub, { start: 3, prevKv: true });
    runAll(turns);
    expect(sink.story).toEqual(['a=2@3', 'a=3@4(2)']);
  });

  it('takes for the previous value of a key changed twice what it was before the revision', () => {
    const { source, hub } = setup();
    const { sink } = watch(hub, { key: 'a', rangeEnd: 'c', prevKv: true });
    source.commit([['a', '0']]);
    source.commit([
      ['a', '1'],
      ['b', '1'],
      ['a', undefined],
      ['b', undefined],
    ]);
    expect(sink.story).toEqual(['a=0@2', 'a=1@3(0)', 'b=1@3', '-a@3(0)', '-b@3']);
  });

  it('keeps all events of a revision together, in order of their sub revisions', () => {
    const { source, hub, turns } = setup();
    const synced = watch(hub, { key: 'a', rangeEnd: 'z' });
    const changes: [string, string | undefined][] = [
      ['b', '1'],
      ['a', '1'],
      ['b', undefined],
    ];
    source.commit(changes);
    const late = watch(hub, { key: 'a', rangeEnd: 'z', start: 1 });
    runAll(turns);
    for (const { sink } of [synced, late]) {
      expect(sink.batches).toHaveLength(1);
      expect(sink.story).toEqual(['b=1@2', 'a=1@2', '-b@2']);
    }
  });

  describe('start revisions', () => {
    it.each([
      ['recent events', undefined],
      ['disk', NO_RING],
    ])('in the past are caught up from %s, on a later turn', (_name, ringBytes) => {
      const { source, hub, turns } = setup(ringBytes);
      for (let i = 2; i <= 6; i += 1) source.commit([['a', `${i}`]]);
      const { sink, watcher } = watch(hub, { start: 4 });
      expect(sink.story).toEqual([]);
      expect(watcher.synced).toBe(false);
      runAll(turns);
      expect(sink.story).toEqual(['a=4@4', 'a=5@5', 'a=6@6']);
      expect(watcher.synced).toBe(true);
      source.commit([['a', '7']]);
      expect(sink.story.at(-1)).toBe('a=7@7');
      expect(source.reads > 0).toBe(ringBytes === NO_RING);
    });

    it('at the next revision are served at once', () => {
      const { source, hub, turns } = setup();
      source.commit([['a', '2']]);
      const { sink } = watch(hub, { start: 3 });
      expect(turns.waiting).toBe(0);
      source.commit([['a', '3']]);
      expect(sink.story).toEqual(['a=3@3']);
    });

    it('in the future wait, even when they lie amid a commit', () => {
      const { source, hub } = setup();
      const { sink, watcher } = watch(hub, { start: 4 });
      source.commit([['a', '2']]);
      expect(watcher.synced).toBe(false);
      expect(hub.syncedAt([watcher], 2)).toBe(false);
      source.commit([['a', '3']], [['a', '4']], [['a', '5']]);
      expect(sink.story).toEqual(['a=4@4', 'a=5@5']);
      expect(watcher.synced).toBe(true);
    });

    it.each([
      ['negative', -5, -1],
      ['compacted', 3, 4],
    ])('that are %s end the watcher, on a later turn', (_name, start, compactRevision) => {
      const { source, hub, turns } = setup();
      for (let i = 2; i <= 6; i += 1) source.commit([['a', `${i}`]]);
      source.compact(compactRevision);
      const { sink, watcher } = watch(hub, { start });
      expect(sink.compacted).toBeUndefined();
      runAll(turns);
      expect(sink.compacted).toBe(compactRevision);
      expect(sink.seen).toEqual([]);
      expect(watcher.closed).toBe(true);
      expect(hub.metrics.watchers).toBe(0);
    });

    it('at the compacted revision are allowed', () => {
      const { source, hub, turns } = setup(NO_RING);
      for (let i = 2; i <= 5; i += 1) source.commit([['a', `${i}`]]);
      source.compact(4);
      const { sink } = watch(hub, { start: 4 });
      runAll(turns);
      expect(sink.story).toEqual(['a=4@4', 'a=5@5']);
    });
  });

  describe('slow receivers', () => {
    it('get nothing until they resume, and then everything', () => {
      const { source, hub, turns } = setup();
      const { sink, watcher } = watch(hub, {});
      sink.full = true;
      source.commit([['a', '2']]);
      expect(watcher.synced).toBe(true);
      source.commit([['a', '3']]);
      source.commit([['a', '4']]);
      runAll(turns);
      expect(sink.story).toEqual(['a=2@2']);
      expect(watcher.synced).toBe(false);
      expect(watcher.nextRevision).toBe(3);
      expect(hub.metrics.slowWatchers).toBe(1);
      sink.full = false;
      watcher.resume();
      runAll(turns);
      expect(sink.story).toEqual(['a=2@2', 'a=3@3', 'a=4@4']);
      expect(watcher.synced).toBe(true);
    });

    it('that missed nothing are never behind, however much is compacted', () => {
      const { source, hub, turns } = setup(NO_RING);
      const { sink, watcher } = watch(hub, {});
      sink.full = true;
      source.commit([['a', '2']]);
      for (let i = 3; i <= 9; i += 1) source.commit([['b', `${i}`]]);
      source.compact(9);
      expect(watcher.nextRevision).toBe(10);
      sink.full = false;
      watcher.resume();
      source.commit([['a', '10']]);
      runAll(turns);
      expect(sink.story).toEqual(['a=2@2', 'a=10@10']);
    });

    it('hear that they are compacted when what they missed is gone', () => {
      const { source, hub, turns } = setup(NO_RING);
      const { sink, watcher } = watch(hub, {});
      sink.full = true;
      for (let i = 2; i <= 5; i += 1) source.commit([['a', `${i}`]]);
      source.compact(4);
      watcher.resume();
      runAll(turns);
      expect(sink.story).toEqual(['a=2@2']);
      expect(sink.compacted).toBe(4);
    });

    it('that resume within another receiver’s call miss nothing', () => {
      const { source, hub, turns } = setup();
      const slow = watch(hub, {});
      const other = { sink: new RecordingSink() };
      slow.sink.full = true;
      source.commit([['a', '2']]);
      slow.sink.full = false;
      const record = other.sink.onEvents.bind(other.sink);
      other.sink.onEvents = (watcher, batch) => {
        slow.watcher.resume();
        return record(watcher, batch);
      };
      hub.watch(request({}), other.sink);
      source.commit([['a', '3']]);
      source.commit([['a', '4']]);
      runAll(turns);
      expect(slow.sink.story).toEqual(['a=2@2', 'a=3@3', 'a=4@4']);
      expect(other.sink.story).toEqual(['a=3@3', 'a=4@4']);
    });
  });

  it('cuts a delivery to many watchers into slices, and serves the others in between', () => {
    const source = new MemorySource();
    const turns = new ManualTurns();
    let clock = 0;
    const hub = new WatchHub({
      source,
      turn: turns.turn,
      now: () => clock,
      maxSliceMs: 1,
      limits: { callsPerLook: 1 },
    });
    // Each of these takes a whole slice.
    const busy = Array.from({ length: 4 }, () => {
      const sink = new RecordingSink();
      const record = sink.onEvents.bind(sink);
      sink.onEvents = (watcher, batch) => {
        clock += 1;
        return record(watcher, batch);
      };
      return { sink, watcher: hub.watch(request({}), sink) };
    });
    const served = () => busy.map(({ sink }) => sink.batches.length);
    source.commit([['b', '2']], [['b', '3']]);
    const late = watch(hub, { key: 'b', start: 2 });
    late.sink.full = true;
    source.commit([['a', '4']]);
    expect(served()).toEqual([1, 0, 0, 0]);
    expect(hub.metrics.pendingEvents).toBe(1);
    expect(hub.syncedAt([busy[0]?.watcher ?? late.watcher], 4)).toBe(false);
    turns.run();
    expect(served()).toEqual([1, 1, 0, 0]);
    expect(late.sink.story).toEqual(['b=2@2', 'b=3@3']);
    turns.run();
    expect(served()).toEqual([1, 1, 1, 0]);
    // By now the late one waits for the front to finish. It has one place only, also when it resumes.
    late.sink.full = false;
    late.watcher.resume();
    source.commit([['b', '5']]);
    expect(served()).toEqual([1, 1, 1, 0]);
    runAll(turns);
    expect(served()).toEqual([1, 1, 1, 1]);
    expect(late.sink.story).toEqual(['b=2@2', 'b=3@3', 'b=5@5']);
    expect(hub.syncedAt([late.watcher, ...busy.map(({ watcher }) => watcher)], 5)).toBe(true);
  });

  it('serves a watcher behind a catch-up that never ends, as writes are faster than it', () => {
    const source = new MemorySource();
    const turns = new ManualTurns();
    let clock = 0;
    const limits = { pageEvents: 1, callsPerLook: 1 };
    const now = () => clock++;
    const hub = new WatchHub({
      source,
      turn: turns.turn,
      now,
      maxSliceMs: 1,
      ringBytes: 1,
      limits,
    });
    const writeAndTurn = () => {
      source.commit([['a', 'x']]);
      turns.run();
    };
    for (let i = 0; i < 20; i += 1) writeAndTurn();
    const first = watch(hub, { start: 2 });
    for (let i = 0; i < 20; i += 1) writeAndTurn();
    expect(first.sink.seen.length).toBeGreaterThan(1);
    const second = watch(hub, { start: 2 });
    let turnsWaited = 0;
    for (; second.sink.seen.length === 0 && turnsWaited < 1000; turnsWaited += 1) writeAndTurn();
    expect(turnsWaited).toBeLessThan(1000);
    expect(first.watcher.synced).toBe(false);
    for (let i = 0; i < 1000; i += 1) writeAndTurn();
    const behind = Math.abs(first.watcher.nextRevision - second.watcher.nextRevision);
    expect(behind).toBeLessThan(hub.revision - first.watcher.nextRevision);
    runAll(turns);
    for (const { sink } of [first, second]) expect(sink.seen).toHaveLength(source.events.length);
  });

  it('does not serve who was cancelled, even from within the same delivery', () => {
    const { source, hub } = setup();
    const first = new RecordingSink();
    const second = new RecordingSink();
    const watchers: Watcher[] = [];
    const record = first.onEvents.bind(first);
    first.onEvents = (watcher, batch) => {
      for (const each of watchers) each.cancel();
      return record(watcher, batch);
    };
    for (const sink of [first, second]) watchers.push(hub.watch(request({}), sink));
    source.commit([['a', '2']]);
    source.commit([['a', '3']]);
    expect(first.story).toEqual(['a=2@2']);
    expect(second.story).toEqual([]);
    expect(hub.metrics.watchers).toBe(0);
  });

  it('lets a receiver open a watch from within its call', () => {
    const { source, hub, turns } = setup();
    const outer = new RecordingSink();
    const inner = new RecordingSink();
    const past = new RecordingSink();
    const record = outer.onEvents.bind(outer);
    outer.onEvents = (watcher, batch) => {
      if (outer.batches.length === 0) {
        hub.watch(request({}), inner);
        hub.watch(request({ start: 2 }), past);
      }
      return record(watcher, batch);
    };
    hub.watch(request({}), outer);
    source.commit([['a', '2']]);
    source.commit([['a', '3']]);
    runAll(turns);
    expect(inner.story).toEqual(['a=3@3']);
    expect(past.story).toEqual(['a=2@2', 'a=3@3']);
  });

  describe('sharing', () => {
    it('encodes an event once for all watchers of its key and of ranges around it', () => {
      const { source, hub } = setup();
      const watchers = Array.from({ length: 100 }, () => watch(hub, {}));
      watchers.push(watch(hub, { key: 'a', rangeEnd: 'b' }), watch(hub, { rangeEnd: '\0' }));
      source.commit([['a', '2']]);
      const batches = new Set(watchers.flatMap(({ sink }) => sink.batches));
      expect(batches.size).toBe(1);
    });

    it('does not mix up those who want the previous value with those who do not', () => {
      const { source, hub } = setup();
      const plain = watch(hub, {});
      const prev = watch(hub, { prevKv: true });
      source.commit([['a', '2']]);
      source.commit([['a', '3']]);
      expect(plain.sink.story).toEqual(['a=2@2', 'a=3@3']);
      expect(prev.sink.story).toEqual(['a=2@2', 'a=3@3(2)']);
    });

    it('catches up many watchers with one read', () => {
      const { source, hub, turns } = setup(NO_RING);
      for (let i = 2; i <= 101; i += 1) source.commit([['a', `${i}`]]);
      const watchers = Array.from({ length: 50 }, () => watch(hub, { start: 2 }));
      runAll(turns);
      expect(source.reads).toBe(1);
      for (const { sink } of watchers) expect(sink.seen).toHaveLength(100);
    });
  });

  it('continues on a store that was replaced, or tells that it is compacted there', () => {
    const { source, hub, turns } = setup();
    const fresh = new MemorySource();
    const synced = watch(hub, {});
    const slow = watch(hub, {});
    const future = watch(hub, { start: 9 });
    slow.sink.full = true;
    for (const store of [source, fresh]) {
      store.commit([['a', '2']]);
      store.commit([['a', '3']]);
    }
    for (let i = 4; i <= 6; i += 1) fresh.commit([['a', `${i}`]]);
    fresh.compact(4);
    hub.replaceSource(fresh);
    runAll(turns);
    expect(synced.sink.story).toEqual(['a=2@2', 'a=3@3', 'a=4@4', 'a=5@5', 'a=6@6']);
    slow.watcher.resume();
    runAll(turns);
    expect(slow.sink.story).toEqual(['a=2@2']);
    expect(slow.sink.compacted).toBe(4);
    source.commit([['a', 'old']]);
    for (let i = 7; i <= 9; i += 1) fresh.commit([['a', `${i}`]]);
    expect(synced.sink.story.slice(-3)).toEqual(['a=7@7', 'a=8@8', 'a=9@9']);
    expect(future.sink.story).toEqual(['a=9@9']);
  });

  it('counts what it does', () => {
    const { source, hub } = setup();
    watch(hub, {});
    watch(hub, { key: 'a', rangeEnd: 'z' });
    source.commit([['a', '2']], [['b', '2']]);
    expect(hub.metrics).toEqual({
      watchers: 2,
      slowWatchers: 0,
      eventsTotal: 3,
      pendingEvents: 0,
    });
    hub.close();
    expect(hub.metrics.watchers).toBe(0);
  });
});
