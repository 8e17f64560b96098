// Microseconds per event that watchers cost, and per event handed over:
//
//     node --conditions=kvorum-source packages/mvcc/bench/watch.bench.ts [events per run, default 2000]
//
// Events are made beforehand, so that no store is measured. Sinks add up the bytes, no more.

import { encodeKeyValue } from '../src/key-value.ts';
import { type EventPage, StoreEvent } from '../src/store-event.ts';
import {
  type EventSource,
  type WatchBatch,
  type Watcher,
  WatchHub,
  type WatchSink,
} from '../src/watch/index.ts';

const EVENTS = Number(process.argv[2] ?? 2000);
const RUNS = 5;
const VALUE = new Uint8Array(256);

/** Adds up what it is handed, as a checksum of the work. */
class CountingSink implements WatchSink {
  bytes = 0;
  events = 0;

  onEvents(_watcher: Watcher, batch: WatchBatch): boolean {
    this.bytes += batch.body.length;
    this.events += batch.eventCount;
    return true;
  }

  onCompacted(): void {
    throw new Error('nothing is compacted here');
  }
}

interface Scenario {
  readonly name: string;
  /** Key and range end of each watcher. */
  readonly ranges: readonly (readonly [key: string, rangeEnd: string])[];
  readonly startRevision: number;
  /** Events per commit. */
  readonly perCommit: number;
  readonly events: number;
  readonly keyOf: (event: number) => string;
  readonly ringBytes?: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'nobody watches',
    ranges: [],
    startRevision: 0,
    perCommit: 100,
    events: EVENTS * 20,
    keyOf: (event) => `key/${event % 10_000}`,
  },
  {
    name: '10,000 keys watched, one watcher each',
    ranges: times(10_000, (n) => [`key/${n}`, '']),
    startRevision: 0,
    perCommit: 100,
    events: EVENTS * 20,
    keyOf: (event) => `key/${(event * 7919) % 10_000}`,
  },
  {
    name: '10,000 distinct ranges, one of them hit',
    ranges: times(10_000, (n) => [`key/${pad(n)}/`, `key/${pad(n)}0`]),
    startRevision: 0,
    perCommit: 100,
    events: EVENTS * 20,
    keyOf: (event) => `key/${pad((event * 7919) % 10_000)}/a`,
  },
  {
    name: '1,000 watchers of one key, one event per commit',
    ranges: times(1000, () => ['key', '']),
    startRevision: 0,
    perCommit: 1,
    events: EVENTS,
    keyOf: () => 'key',
  },
  {
    name: '1,000 watchers of one key, 100 events per commit',
    ranges: times(1000, () => ['key', '']),
    startRevision: 0,
    perCommit: 100,
    events: EVENTS,
    keyOf: () => 'key',
  },
  {
    name: '10,000 distinct ranges, all of them hit, one event per commit',
    ranges: times(10_000, (n) => [`key/${pad(n)}`, 'kez']),
    startRevision: 0,
    perCommit: 1,
    events: EVENTS / 10,
    keyOf: () => `key/${pad(99_999)}`,
  },
  {
    name: '10,000 distinct ranges, all of them hit, 100 events per commit',
    ranges: times(10_000, (n) => [`key/${pad(n)}`, 'kez']),
    startRevision: 0,
    perCommit: 100,
    events: EVENTS / 10,
    keyOf: () => `key/${pad(99_999)}`,
  },
  {
    name: '1,000 watchers of one key catch up from recent events',
    ranges: times(1000, () => ['key', '']),
    startRevision: 2,
    perCommit: 1,
    events: EVENTS,
    keyOf: () => 'key',
  },
  {
    name: '1,000 watchers of one key catch up from the source',
    ranges: times(1000, () => ['key', '']),
    startRevision: 2,
    perCommit: 1,
    events: EVENTS,
    keyOf: () => 'key',
    ringBytes: 1,
  },
];

function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

function pad(n: number): string {
  return String(n).padStart(6, '0');
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Events made beforehand, so that only the hub is measured, and not what a store or the garbage of one costs. */
class PreparedSource implements EventSource {
  revision = 1;
  readonly compactRevision = -1;
  readonly #events: StoreEvent[] = [];
  #listener: (events: readonly StoreEvent[], revision: number) => void = () => {};

  constructor(scenario: Scenario) {
    for (let n = 0; n < scenario.events; n += 1) {
      const keyText = scenario.keyOf(n);
      const key = bytes(keyText);
      const main = n + 2;
      const parts = { key, createRevision: main, modRevision: main, version: 1, lease: 0n };
      const wire = encodeKeyValue({ ...parts, value: VALUE });
      this.#events.push(new StoreEvent(main, 0, false, key, keyText, wire, 0, 0, undefined));
    }
  }

  onCommit(listener: (events: readonly StoreEvent[], revision: number) => void): void {
    this.#listener = listener;
  }

  commit(count: number): void {
    const events = this.#events.slice(this.revision - 1, this.revision - 1 + count);
    this.revision += events.length;
    this.#listener(events, this.revision);
  }

  readEvents(from: number, limitEvents: number): EventPage {
    const events = this.#events.slice(
      from - 2,
      Math.min(from - 2 + limitEvents, this.revision - 1),
    );
    return { events, next: from + events.length };
  }

  previousOf(): undefined {}
}

/** One run: microseconds spent in the hub, its longest stretch in ms, and what was handed over. */
function run(scenario: Scenario): { us: number; longestMs: number; sink: CountingSink } {
  const { ranges, startRevision, events, perCommit, ringBytes } = scenario;
  const source = new PreparedSource(scenario);
  const turns: (() => void)[] = [];
  const sink = new CountingSink();
  let spentMs = 0;
  let longestMs = 0;
  const timed = (work: () => void): void => {
    const start = performance.now();
    work();
    const tookMs = performance.now() - start;
    spentMs += tookMs;
    longestMs = Math.max(longestMs, tookMs);
  };
  const hub = new WatchHub({
    source,
    turn: (fn) => turns.push(fn),
    now: () => performance.now(),
    ...(ringBytes === undefined ? {} : { ringBytes }),
  });
  const watchAll = (): void => {
    for (const [key, rangeEnd] of ranges) {
      const range = { key: bytes(key), rangeEnd: bytes(rangeEnd) };
      hub.watch({ ...range, startRevision, prevKv: false, noPut: false, noDelete: false }, sink);
    }
  };
  const drain = (): void => {
    for (let fn = turns.shift(); fn !== undefined; fn = turns.shift()) timed(fn);
  };
  if (startRevision === 0) watchAll();
  for (let event = 0; event < events; event += perCommit) {
    timed(() => source.commit(perCommit));
    drain();
  }
  if (startRevision !== 0) timed(watchAll);
  drain();
  return { us: spentMs * 1000, longestMs, sink };
}

for (const scenario of SCENARIOS) {
  run(scenario);
  const results = times(RUNS, () => run(scenario)).sort((a, b) => a.us - b.us);
  const median = results[Math.floor(RUNS / 2)];
  if (median === undefined) continue;
  const { us, longestMs, sink } = median;
  const perEvent = (us / scenario.events).toFixed(2).padStart(9);
  const perHandOver = sink.events === 0 ? '    -' : (us / sink.events).toFixed(3).padStart(6);
  const longest = longestMs.toFixed(1).padStart(5);
  console.log(
    `${perEvent} us/event ${perHandOver} us/handed over ${longest} ms longest  ${scenario.name}` +
      `  [${sink.events} events, ${sink.bytes} bytes]`,
  );
}
