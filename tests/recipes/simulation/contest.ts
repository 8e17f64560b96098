import { type Client, ClientError, createClient, op } from '@kvorum/client';
import {
  Election,
  FairLock,
  type Hold,
  Mutex,
  RecipeError,
  RwMutex,
  Semaphore,
  Session,
} from '@kvorum/recipes';
import { overlapProblems, type Span } from './overlaps.ts';
import { SimProcess } from './process.ts';
import { SimStore } from './store.ts';
import { World } from './world.ts';

/** What processes contend for. */
export type Prize = 'lock' | 'election' | 'fair lock' | 'read-write lock' | 'semaphore';

/** What one run has seen. */
export interface ContestReport {
  /** Deeds that were done while the holder's look at its signal allowed them. */
  readonly deeds: number;
  /** Different holds. */
  readonly holds: number;
  /** Holds that were lost before they were released. */
  readonly losses: number;
  /** Guarded writes that came too late, and failed. */
  readonly refusedWrites: number;
  /** Waiters that gave up. */
  readonly abandoned: number;
  /** What should not have been; empty when all is well. */
  readonly violations: readonly string[];
}

const processCount = 3;
const permits = 2;
const ttlSeconds = 3;
/** How long faults go on, and until when all must have had another turn after that; in ms. */
const faultsEndMs = 40_000;
const endMs = 200_000;

/**
 * Processes contend for one lock, or for leadership, over connections that break, and are held still at times. Each
 * looks at its signal right before each deed; guarded writes it sends without looking. A deed by one who is no longer
 * the holder, after the next one's first deed, is a violation, and so is a write of that kind, and so are more than
 * should be between their first and their last deeds. Careless ones do not look.
 */
export async function runContest(
  prize: Prize,
  seed: number,
  isCareless = false,
): Promise<ContestReport> {
  const world = new World(seed);
  const store = new SimStore(world);
  const contest = new Contest(prize, world, store, isCareless);
  const processes = Array.from({ length: processCount }, () => new SimProcess(world, store));
  for (const process of processes) scheduleFaults(world, process);
  let over = 0;
  const lives = processes.map(async (process, at) => {
    await contest.live(process, at);
    over += 1;
  });
  await world.run(() => over === processCount, endMs);
  if (over < processCount) contest.violations.push('not all had their turn after the faults');
  else await Promise.all(lives);
  // A session whose end was not heard of has its lease for that long.
  await world.run(() => false, world.nowMs + 1000 * ttlSeconds);
  const left = store.keys.filter((key) => key.startsWith('prize/'));
  if (over === processCount && left.length > 0) contest.violations.push(`left behind: ${left}`);
  return contest.report;
}

function scheduleFaults(world: World, process: SimProcess): void {
  const { prng } = world;
  const next = () => {
    if (world.nowMs >= faultsEndMs) return;
    const until = world.nowMs + prng.between(100, 8000);
    if (prng.chance(0.5)) process.holdStill(until);
    else process.cut(until);
    world.after(prng.between(500, 12_000), next);
  };
  world.after(prng.between(0, 5000), next);
}

class Contest {
  readonly violations: string[] = [];
  #deeds = 0;
  #losses = 0;
  #refusedWrites = 0;
  #abandoned = 0;
  readonly #prize: Prize;
  readonly #isCareless: boolean;
  readonly #world: World;
  readonly #tokens = new Set<bigint>();
  readonly #spans: Span[] = [];
  #names = 0;
  /** The largest token that has done a deed, and whose it was. */
  #lastToken = 0n;
  #lastOwner = -1;
  #lastWritten = 0n;

  constructor(prize: Prize, world: World, store: SimStore, isCareless: boolean) {
    this.#isCareless = isCareless;
    this.#prize = prize;
    this.#world = world;
    store.onPut = (key, value) => {
      if (key === 'guarded') this.#onWrite(BigInt(Buffer.from(value).toString()));
    };
  }

  get report(): ContestReport {
    return {
      deeds: this.#deeds,
      holds: this.#tokens.size,
      losses: this.#losses,
      refusedWrites: this.#refusedWrites,
      abandoned: this.#abandoned,
      violations: [...this.violations, ...overlapProblems(this.#spans, permits)],
    };
  }

  /** Contends again and again, until it has had a turn after the faults. */
  async live(process: SimProcess, owner: number): Promise<void> {
    const client = createClient({ endpoints: ['sim:1'] }, process.environment);
    const environment = {
      timers: process.environment.timers,
      uniqueName: () => `n${++this.#names}`,
    };
    try {
      for (;;) {
        try {
          await using session = await Session.open(client, { ttlSeconds, environment });
          while (!session.signal.aborted) {
            const isLast = await this.#turn(client, session, process, owner);
            if (isLast && this.#world.nowMs > faultsEndMs) return;
          }
        } catch (error) {
          if (!(error instanceof RecipeError || error instanceof ClientError)) throw error;
          await process.sleep(100);
        }
      }
    } finally {
      client.close();
    }
  }

  /** Contends once; whether it has held the prize. */
  async #turn(
    client: Client,
    session: Session,
    process: SimProcess,
    owner: number,
  ): Promise<boolean> {
    const { prng } = this.#world;
    const patience = new AbortController();
    const callOff = prng.chance(0.2)
      ? process.environment.timers.after(prng.between(1, 3000), () => patience.abort())
      : () => {};
    let hold: Hold;
    try {
      hold = await this.#contend(session, owner, patience.signal);
    } catch (error) {
      if (!(error instanceof RecipeError && error.code === 'aborted')) throw error;
      this.#abandoned += 1;
      return false;
    } finally {
      callOff();
    }
    const writes = await this.#act(client, hold, process, owner);
    if (hold.signal.aborted) this.#losses += 1;
    await hold.release();
    await Promise.all(writes);
    return true;
  }

  async #contend(session: Session, owner: number, signal: AbortSignal): Promise<Hold> {
    switch (this.#prize) {
      case 'lock':
        return await new Mutex(session, 'prize').lock({ signal });
      case 'election':
        return await new Election(session, 'prize').campaign(`candidate ${owner}`, { signal });
      case 'fair lock':
        return await new FairLock(session, 'prize').lock({ signal });
      case 'semaphore':
        return await new Semaphore(session, 'prize', permits).acquire({ signal });
      case 'read-write lock': {
        const mutex = new RwMutex(session, 'prize');
        const isWriter = this.#world.prng.chance(0.4);
        return await (isWriter ? mutex.writeLock({ signal }) : mutex.readLock({ signal }));
      }
    }
  }

  /** Alone, one of so many, or together with all who are not alone. */
  #kindOf(hold: Hold): Span['kind'] {
    if (this.#prize === 'semaphore') return 'one of some';
    return hold.key.startsWith('prize/read/') ? 'shared' : 'alone';
  }

  async #act(
    client: Client,
    hold: Hold,
    process: SimProcess,
    owner: number,
  ): Promise<Promise<void>[]> {
    const { prng } = this.#world;
    const kind = this.#kindOf(hold);
    const writes: Promise<void>[] = [];
    const span = { kind, token: hold.token, owner, from: this.#world.nowMs, to: -1 };
    for (let left = prng.between(1, 8); left > 0; left--) {
      try {
        if (!this.#isCareless) hold.throwIfLost();
      } catch {
        break;
      }
      if (span.to < 0) this.#spans.push(span);
      span.to = this.#world.nowMs;
      this.#onDeed(hold.token, owner, kind === 'alone' && this.#prize !== 'read-write lock');
      await process.sleep(prng.between(1, 800));
      // Whatever has become of it meanwhile.
      if (kind === 'alone' && prng.chance(0.5)) writes.push(this.#write(client, hold));
    }
    return writes;
  }

  async #write(client: Client, hold: Hold): Promise<void> {
    const txn = hold.guard(client.txn()).then(op.put('guarded', String(hold.token)));
    try {
      const { succeeded } = await txn.commit({ timeoutMs: 5000 });
      if (!succeeded) this.#refusedWrites += 1;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
  }

  #onDeed(token: bigint, owner: number, isInOrder: boolean): void {
    this.#deeds += 1;
    this.#tokens.add(token);
    if (!isInOrder) return;
    const at = `at ${this.#world.nowMs} ms process ${owner} acts with token ${token}`;
    if (token < this.#lastToken) this.violations.push(`${at}, after token ${this.#lastToken}`);
    if (token === this.#lastToken && owner !== this.#lastOwner) {
      this.violations.push(`${at}, which process ${this.#lastOwner} had`);
    }
    if (token >= this.#lastToken) {
      this.#lastToken = token;
      this.#lastOwner = owner;
    }
  }

  #onWrite(token: bigint): void {
    if (token < this.#lastWritten) {
      this.violations.push(`a write with token ${token} came after one with ${this.#lastWritten}`);
    }
    this.#lastWritten = token;
  }
}
