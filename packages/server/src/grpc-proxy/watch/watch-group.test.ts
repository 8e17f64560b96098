import { KeyValue, type WatchBatch, type WatchEvent, type WatchOptions } from '@kvorum/client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewestHeader } from '../newest-header.ts';
import { ProxyMetrics } from '../proxy-metrics.ts';
import type { Broadcast, Subscriber } from './broadcast.ts';
import type { EventBatch } from './event-batch.ts';
import { WatchGroup } from './watch-group.ts';

const key = Buffer.from('k');
const view = { prevKv: false, noPut: false, noDelete: false };

function eventAt(revision: number): WatchEvent {
  const modRevision = BigInt(revision);
  const fields = { key, value: key, createRevision: 1n, modRevision, version: 1n, lease: 0n };
  return { type: 'put', entry: new KeyValue(fields), previous: undefined, isSynthetic: false };
}

/** Members whose watches tell what has happened when a test lets them. */
class MemoryMembers {
  /** Revisions at which the key has changed; others have changed something else. */
  readonly changes: number[] = [];
  revision = 1;
  readonly open = new Set<MemoryWatch>();
  asked = 0;

  readonly watch = (_keys: unknown, { startRevision }: WatchOptions): MemoryWatch => {
    this.asked += 1;
    const watch = new MemoryWatch(this, Number(startRevision ?? 0n));
    this.open.add(watch);
    return watch;
  };

  change(isOurs: boolean): void {
    this.revision += 1;
    if (isOurs) this.changes.push(this.revision);
  }
}

class MemoryWatch {
  readonly opened: Promise<bigint>;
  readonly #members: MemoryMembers;
  readonly #start: number;
  readonly #open: (first: bigint) => void;
  #next = 0;
  #batches: WatchBatch[] = [];
  #isClosed = false;
  #wake = Promise.withResolvers<void>();

  constructor(members: MemoryMembers, start: number) {
    this.#members = members;
    this.#start = start;
    const { promise, resolve } = Promise.withResolvers<bigint>();
    this.opened = promise;
    this.#open = resolve;
  }

  /** Opens it; then tells the next change, and how far it is when there is none. */
  step(): void {
    if (this.#next === 0) {
      this.#next = this.#start === 0 ? this.#members.revision + 1 : this.#start;
      this.#open(BigInt(this.#next));
      return;
    }
    const change = this.#members.changes.find((revision) => revision >= this.#next);
    const revision = change ?? this.#members.revision;
    if (revision < this.#next) return;
    this.#next = revision + 1;
    const events = change === undefined ? [] : [eventAt(change)];
    this.#batches.push({ revision: BigInt(revision), events });
    this.#wake.resolve();
  }

  async *batches(): AsyncGenerator<WatchBatch, void, undefined> {
    for (;;) {
      const batch = this.#batches.shift();
      if (batch !== undefined) yield batch;
      else if (this.#isClosed) return;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#members.open.delete(this);
    this.#wake.resolve();
  }
}

class MemoryWatcher implements Subscriber {
  nextRevision: number;
  broadcast: Broadcast | undefined;
  /** The first revision that it must be told of; 0 until that is known. */
  from: number;
  readonly seen: number[] = [];

  constructor(start: number) {
    this.nextRevision = start;
    this.from = start;
  }

  onOpened(): void {
    if (this.from === 0) this.from = this.nextRevision;
  }

  onEvents(batch: EventBatch): void {
    if (batch.body(view, this.nextRevision).length > 0) this.seen.push(batch.revision);
    this.nextRevision = batch.revision + 1;
  }

  onProgress(revision: number): void {
    this.nextRevision = Math.max(this.nextRevision, revision + 1);
  }

  onEnded(error: unknown): void {
    throw error;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

type Command =
  | { readonly do: 'change'; readonly isOurs: boolean }
  | { readonly do: 'step' | 'leave' | 'rejoin'; readonly at: number }
  | { readonly do: 'join'; readonly back: number };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('change' as const), isOurs: fc.boolean() }),
    fc.record({
      do: fc.constantFrom('step' as const, 'step' as const, 'leave' as const, 'rejoin' as const),
      at: fc.nat(9),
    }),
    fc.record({ do: fc.constant('join' as const), back: fc.integer({ min: -3, max: 6 }) }),
  ),
  { maxLength: 60 },
);

async function play(those: readonly Command[]) {
  const members = new MemoryMembers();
  const header = new NewestHeader();
  header.noteRevision(1);
  const group = new WatchGroup(
    {
      watch: members.watch,
      span: { key, rangeEnd: new Uint8Array(0) },
      header,
      metrics: new ProxyMetrics(),
      strip: (one) => one,
      onChange: () => {},
    },
    () => {},
  );
  const watchers: MemoryWatcher[] = [];
  const step = async (at: number) => {
    const open = [...members.open];
    open[at % open.length]?.step();
    await turn();
  };
  const run = async (command: Command) => {
    if (command.do === 'change') members.change(command.isOurs);
    else if (command.do === 'step') await step(command.at);
    else if (command.do === 'join') {
      // Two of ten begin in the future, one now, others in the past.
      const start = command.back === 0 ? 0 : Math.max(1, members.revision - command.back);
      const watcher = new MemoryWatcher(start);
      watchers.push(watcher);
      group.attach(watcher);
    } else {
      const watcher = watchers[command.at % watchers.length];
      if (watcher === undefined || watcher.from === 0) return;
      if (command.do === 'leave') watcher.broadcast?.delete(watcher);
      else if (watcher.broadcast === undefined) group.attach(watcher);
    }
  };
  for (const command of those) await run(command);
  for (const watcher of watchers) if (watcher.broadcast === undefined) group.attach(watcher);
  // Beyond those who begin in the future, and each watch once more.
  for (let i = 0; i < 5; i++) members.change(i === 4);
  for (let i = 0; i < 40; i++) {
    for (const watch of [...members.open]) watch.step();
    await turn();
  }
  return { members, watchers };
}

describe('the watchers of a range', () => {
  it('see every change once, in order, and end up with one watch', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (those) => {
        const { members, watchers } = await play(those);
        for (const { seen, from } of watchers) {
          expect(seen).toEqual(members.changes.filter((revision) => revision >= from));
        }
        expect(members.open.size).toBe(watchers.length === 0 ? 0 : 1);
      }),
      { numRuns: 150 },
    );
  });

  it('share a watch from the start when they begin where it is', async () => {
    const joins = Array.from({ length: 20 }, (): Command => ({ do: 'join', back: 0 }));
    const { members } = await play([...joins, { do: 'step', at: 0 }, ...joins]);
    expect(members.asked).toBe(1);
  });
});
