import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Message } from '@kvorum/raft';
import { Prng, SimDisk } from '@kvorum/wal/testing';
import { MemoryEngines } from '../memory-engines.ts';
import { SimMember, type SimStorage } from './sim-member.ts';
import { SimClock, SimTime } from './sim-time.ts';

/** How messages travel between members. */
export interface SimNetwork {
  /** Shortest and longest way of a message, in ms. */
  readonly delayMs: readonly [number, number];
  /** Share of messages that are lost. */
  readonly lossRate: number;
}

const calmNetwork: SimNetwork = { delayMs: [0.1, 2], lossRate: 0 };

interface Place {
  readonly name: string;
  storage: SimStorage;
  member: SimMember | undefined;
  clock: SimClock;
}

/**
 * Members of one cluster in this process, under virtual time, on disks and a network that obey the test. Everything
 * that is left to chance is drawn from one seed.
 */
export class SimCluster {
  readonly time = new SimTime();
  network: SimNetwork = calmNetwork;
  /** States that members sent to each other because the log didn't reach back far enough. */
  statesSent = 0;
  readonly #places: Place[];
  readonly #prng: Prng;
  readonly #names: readonly string[];
  /** Ordered pairs of members between whom nothing gets through. */
  readonly #cuts = new Set<string>();

  constructor(seed: number, size: number) {
    this.#prng = new Prng(seed);
    this.#names = Array.from({ length: size }, (_, i) => `m${i}`);
    this.#places = this.#names.map((name) => ({
      name,
      storage: {
        disk: new SimDisk({ seed: this.#prng.below(2 ** 31) }),
        engines: new MemoryEngines({ crashable: true }),
      },
      member: undefined,
      clock: new SimClock(this.time),
    }));
  }

  /** Starts every member and lets time pass until all of them serve. */
  static async start(seed: number, size: number): Promise<SimCluster> {
    const cluster = new SimCluster(seed, size);
    for (let i = 0; i < size; i++) await cluster.boot(i);
    await cluster.time.until(() => cluster.members.length === size);
    return cluster;
  }

  get size(): number {
    return this.#places.length;
  }

  /** The members that run and have come up. */
  get members(): SimMember[] {
    return this.#places.flatMap(({ member }) => (member?.isUp === true ? [member] : []));
  }

  /** Throws when the member doesn't run. */
  member(index: number): SimMember {
    const { member, name } = this.#place(index);
    if (member === undefined) throw new Error(`${name} is down`);
    return member;
  }

  /** The index of the member that leads in the highest term; undefined when none does. */
  get leader(): number | undefined {
    let best: { index: number; term: number } | undefined;
    this.#places.forEach(({ member }, index) => {
      if (member === undefined) return;
      const { leader, term } = member.core.raftStatus();
      if (leader !== member.core.memberId) return;
      if (best === undefined || term > best.term) best = { index, term };
    });
    return best?.index;
  }

  /**
   * Starts a member on what its storage holds; resolves when it takes part, rejects with what its storage is wrong in.
   * Time must pass until it is up.
   */
  async boot(index: number): Promise<void> {
    const place = this.#place(index);
    const clock = new SimClock(this.time);
    place.clock = clock;
    const prng = new Prng(this.#prng.below(2 ** 31));
    const member = await SimMember.open(place.storage, {
      name: place.name,
      clusterNames: this.#names,
      clock,
      random: () => prng.below(2 ** 30) / 2 ** 30,
      outbox: { send: (message) => this.#send(index, message) },
    });
    place.member = member;
    // It never resolves when the member crashes before it is up.
    void member.start();
  }

  /** Cuts the power of a member: what its disk had not synced may be lost. */
  crash(index: number): void {
    const place = this.#place(index);
    place.clock.stop();
    place.member = undefined;
    const { disk, engines } = place.storage;
    place.storage = {
      disk: disk.crashClone(this.#prng.below(2 ** 31)),
      engines: engines.crashClone(this.#prng.below(2 ** 31)),
    };
  }

  /** Lets nothing through from one member to another, in this direction. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Separates a member from all others, in both directions. */
  isolate(index: number): void {
    for (let other = 0; other < this.size; other++) {
      if (other === index) continue;
      this.cut(index, other);
      this.cut(other, index);
    }
  }

  /** Lets time pass until a member other than `index` leads; resolves with who. */
  async leaderOtherThan(index: number): Promise<number> {
    await this.time.until(() => this.leader !== undefined && this.leader !== index);
    return this.leader as number;
  }

  /** Undoes all cuts. */
  heal(): void {
    this.#cuts.clear();
  }

  /** A unary call at one member; time passes until it is answered. */
  async call<Request extends DescMessage, Response extends DescMessage>(
    index: number,
    method: readonly [string, Request, Response],
    init: MessageInitShape<Request>,
  ): Promise<MessageShape<Response>> {
    let isDone = false;
    const answer = this.member(index)
      .call(...method, init)
      .finally(() => {
        isDone = true;
      });
    answer.catch(() => {});
    await this.time.until(() => isDone);
    return answer;
  }

  #place(index: number): Place {
    const place = this.#places[index];
    if (place === undefined) throw new Error(`there is no member ${index}`);
    return place;
  }

  #send(from: number, message: Message): void {
    const to = this.#places.findIndex(({ member }) => member?.core.memberId === message.to);
    if (to < 0) return;
    const { delayMs, lossRate } = this.network;
    const [shortest, longest] = delayMs;
    const chance = this.#prng.below(2 ** 30) / 2 ** 30;
    const delay = shortest + (longest - shortest) * (this.#prng.below(2 ** 30) / 2 ** 30);
    if (message.type === 'MsgSnap') {
      this.time.after(delay, () => void this.#sendState(from, to, message));
      return;
    }
    if (chance < lossRate) return;
    this.time.after(delay, () => {
      if (this.#cuts.has(`${from}>${to}`)) return;
      this.#places[to]?.member?.core.loop.step(message);
    });
  }

  /** A whole state arrives in one moment, or not at all. */
  async #sendState(from: number, to: number, message: Message): Promise<void> {
    const sender = this.#places[from]?.member?.core;
    const receiver = this.#places[to]?.member?.core;
    if (sender === undefined) return;
    if (receiver === undefined || this.#cuts.has(`${from}>${to}`)) {
      sender.loop.reportSnapshot(message.to, 'failure');
      return;
    }
    const { metadata, chunks } = sender.stateToSend();
    const incoming = await receiver.receiveState();
    for await (const chunk of chunks) incoming.writer.push(chunk);
    await incoming.finish(metadata.index);
    receiver.loop.step({ ...message, snapshot: { metadata, data: new Uint8Array(0) } });
    sender.loop.reportSnapshot(message.to, 'finish');
    this.statesSent += 1;
  }
}
