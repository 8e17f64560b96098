import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { EtcdError } from '@kvorum/api';
import type { StreamCall, UnaryCall } from '@kvorum/h2';
import type { MemberId, Message } from '@kvorum/raft';
import { Prng, SimDisk } from '@kvorum/wal/testing';
import { MemoryEngines } from '../memory-engines.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import { PacedDisk } from './paced-disk.ts';
import { noMetadata, SimMember, type SimSettings, type SimStorage } from './sim-member.ts';
import { type ClockPace, SimClock, SimTime } from './sim-time.ts';

/** How messages travel between members. */
export interface SimNetwork {
  /** Shortest and longest way of a message, in ms. */
  readonly delayMs: readonly [number, number];
  /** Share of messages that are lost. */
  readonly lossRate: number;
  /** Share of messages that arrive twice. Default 0. */
  readonly duplicateRate?: number;
  /** Share of messages that take up to `lateMs` longer, so that others overtake them. Default 0. */
  readonly lateRate?: number;
  readonly lateMs?: number;
}

/** A network that loses nothing. */
export const calmNetwork: SimNetwork = { delayMs: [0.1, 2], lossRate: 0 };

/** How long a disk takes for a sync, in ms, from the shortest to the longest. */
export type SyncTimes = readonly [number, number];

/** What a cluster is made of; everything has a default. */
export interface SimClusterOptions {
  readonly settings?: SimSettings;
  /** How long syncs take; not at all by default. */
  readonly syncMs?: SyncTimes;
  /** Greatest deviation of a member's clock from the true time, 0.01 for 1 %. Default 0. */
  readonly clockDrift?: number;
  /** Told of every message that a member sends. */
  readonly onSend?: (from: number, message: Message) => void;
  /** Told when a member has opened its storage, before it does anything. */
  readonly onOpen?: (index: number, member: SimMember) => void;
  /** Told when a member can't start, or ends by itself: a bug. */
  readonly onFailure?: (index: number, error: unknown) => void;
}

/** Messages on their way to a client before the member is told to wait. */
const STREAM_ROOM = 3;

interface Place {
  readonly name: string;
  readonly clockPace: ClockPace;
  storage: SimStorage;
  member: SimMember | undefined;
  /** Its process runs and has not opened its storage yet. */
  isOpening: boolean;
  clock: SimClock;
  syncMs: SyncTimes;
  /** The calls that are running at the member: what to do when it is lost. */
  readonly calls: Set<() => void>;
  wallOffsetMs: number;
  /** When its process was started last. */
  bootedAtMs: number;
}

/** How a call at a member ended; one of these is called, once. */
export interface SimCallback {
  reply(message: Uint8Array): void;
  /** The member refused. */
  fail(status: number, text: string): void;
  /** Nobody was there to take the call. */
  refused(): void;
  /** The member was lost meanwhile. */
  lost(): void;
}

/** A stream of calls to a member, as its client sees it. */
export interface SimStream {
  send(message: Uint8Array): void;
  /** Ends it from the client's side. */
  close(): void;
}

/** What a client hears on a stream. */
export interface SimStreamCallback {
  message(bytes: Uint8Array): void;
  /** It has ended: by the member, or with it. */
  ended(): void;
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
  readonly #options: SimClusterOptions;
  readonly #places: Place[];
  readonly #prng: Prng;
  readonly #names: readonly string[];
  /** Ordered pairs of members between whom nothing gets through, as `from * size + to`. */
  readonly #cuts = new Set<number>();

  constructor(seed: number, size: number, options: SimClusterOptions = {}) {
    this.#options = options;
    this.#prng = new Prng(seed);
    this.#names = Array.from({ length: size }, (_, i) => `m${i}`);
    this.#places = this.#names.map((name) => this.#newPlace(name));
  }

  #newPlace(name: string): Place {
    const drift = this.#options.clockDrift ?? 0;
    const pace = { rate: 1 + drift * (2 * this.#chance() - 1) };
    const place: Place = {
      name,
      clockPace: pace,
      storage: {
        disk: new SimDisk({
          seed: this.#prng.below(2 ** 31),
          ...(this.#options.syncMs === undefined ? {} : { syncDelay: () => this.#sync(place) }),
        }),
        engines: new MemoryEngines({ crashable: true }),
      },
      member: undefined,
      isOpening: false,
      clock: new SimClock(this.time, pace),
      syncMs: this.#options.syncMs ?? [0, 0],
      calls: new Set(),
      wallOffsetMs: 0,
      bootedAtMs: 0,
    };
    return place;
  }

  /** Starts every member and lets time pass until all of them serve. */
  static async start(seed: number, size: number, options?: SimClusterOptions): Promise<SimCluster> {
    const cluster = new SimCluster(seed, size, options);
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

  /** Whether a member's process runs, up or not. */
  isRunning(index: number): boolean {
    const { member, isOpening } = this.#place(index);
    return member !== undefined || isOpening;
  }

  /** Whether a member runs and serves. */
  isUp(index: number): boolean {
    return this.#place(index).member?.isUp === true;
  }

  /**
   * Starts a member on what its storage holds; resolves when it takes part, rejects with what its storage is wrong in.
   * Time must pass until it is up.
   */
  async boot(index: number): Promise<void> {
    const place = this.#place(index);
    const clock = new SimClock(this.time, place.clockPace);
    clock.wallOffsetMs = place.wallOffsetMs;
    place.clock = clock;
    place.isOpening = true;
    place.bootedAtMs = this.time.nowMs;
    const prng = new Prng(this.#prng.below(2 ** 31));
    const { settings, onOpen, onFailure, syncMs } = this.#options;
    const { disk } = place.storage;
    const member = await SimMember.open(place.storage, {
      name: place.name,
      clusterNames: this.#names,
      clock,
      random: () => prng.below(2 ** 30) / 2 ** 30,
      outbox: { send: (message) => this.#send(index, message, clock) },
      peers: this.#peersOf(index, clock),
      ...(settings === undefined ? {} : { settings }),
      ...(syncMs === undefined
        ? {}
        : { disk: new PacedDisk(disk, clock, () => this.#between(place.syncMs)) }),
    });
    // Its power may have been cut meanwhile.
    if (place.clock !== clock || !place.isOpening) return;
    place.isOpening = false;
    place.member = member;
    void member.core.end.fatal.then((error) => onFailure?.(index, error));
    onOpen?.(index, member);
    // It never resolves when the member crashes before it is up, and rejects when it is stopped before.
    member.start().catch(() => {});
  }

  /** Cuts the power of a member: what its disk had not synced may be lost. */
  crash(index: number): void {
    const place = this.#place(index);
    this.#end(place);
    const { disk, engines } = place.storage;
    place.storage = {
      disk: disk.crashClone(this.#prng.below(2 ** 31)),
      engines: engines.crashClone(this.#prng.below(2 ** 31)),
    };
  }

  /** Ends a member in good order; resolves when it is closed. Time must pass. */
  async stop(index: number): Promise<void> {
    const place = this.#place(index);
    const { member } = place;
    if (member === undefined) return;
    await member.core.prepareStop();
    if (place.member !== member) return;
    member.isUp = false;
    await member.core.close();
    if (place.member === member) this.#end(place);
  }

  /** Sets how long the syncs of a member take from now on. */
  paceDisk(index: number, syncMs: SyncTimes): void {
    this.#place(index).syncMs = syncMs;
  }

  /** Lets the wall clock of a member jump. */
  jumpClock(index: number, byMs: number): void {
    const place = this.#place(index);
    place.wallOffsetMs += byMs;
    place.clock.wallOffsetMs = place.wallOffsetMs;
  }

  /** Stops a member's process for a while, as SIGSTOP does. */
  pause(index: number, durationMs: number): void {
    this.#place(index).clock.holdUp(durationMs);
  }

  /** Lets nothing through from one member to another, in this direction. */
  cut(from: number, to: number): void {
    this.#cuts.add(from * this.size + to);
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

  /** A unary call of a client at one member, over a network that takes its time. */
  invoke(index: number, path: string, request: Uint8Array, callback: SimCallback): void {
    this.time.after(this.#clientDelay(), () => {
      const place = this.#place(index);
      const { member, clock } = place;
      if (member?.isUp !== true) {
        this.time.after(this.#clientDelay(), () => callback.refused());
        return;
      }
      const method = member.core.methods.get(path);
      if (method?.kind !== 'unary') throw new Error(`${path} is no unary method`);
      const answer = this.#answering(place, () => callback.lost());
      const call: Pick<UnaryCall, 'metadata' | 'reply' | 'fail'> = {
        metadata: noMetadata,
        reply: (message) => answer(() => callback.reply(bytesOf(message))),
        fail: (status, text) => answer(() => callback.fail(status, text)),
      };
      clock.whenFree(() => method.handle(request, call as UnaryCall));
    });
  }

  /** A stream of a client at one member; undefined when nobody is there to take it. */
  stream(index: number, path: string, callback: SimStreamCallback): SimStream | undefined {
    const place = this.#place(index);
    const { member, clock } = place;
    const method = member?.core.methods.get(path);
    if (member?.isUp !== true || method?.kind !== 'stream') return undefined;
    let isOpen = true;
    let arrivesAtMs = 0;
    /** Messages on their way to the client, and whether the member was told to wait. */
    let waiting = 0;
    let isFull = false;
    /** In order, and not after the end. */
    const tell = (run: () => void) => {
      const departsAtMs = clock.freeAtMs;
      arrivesAtMs = Math.max(arrivesAtMs, departsAtMs + this.#clientDelay());
      this.time.after(arrivesAtMs - this.time.nowMs, () => {
        if (isOpen && clock.ranAt(departsAtMs)) run();
      });
    };
    const end = () => {
      place.calls.delete(lost);
      isOpen = false;
      callback.ended();
    };
    const lost = () => {
      if (isOpen) this.time.after(this.#clientDelay(), () => isOpen && end());
    };
    place.calls.add(lost);
    const call: Pick<StreamCall, 'metadata' | 'send' | 'end' | 'pause' | 'resume'> = {
      metadata: noMetadata,
      send: (message) => {
        const bytes = bytesOf(message);
        waiting += 1;
        tell(() => {
          waiting -= 1;
          callback.message(bytes);
          if (waiting > 0 || !isFull) return;
          isFull = false;
          whileOpen(() => receiver.onDrain?.());
        });
        isFull ||= waiting >= STREAM_ROOM;
        return !isFull;
      },
      end: () => tell(end),
      pause: () => {},
      resume: () => {},
    };
    const receiver = method.open(call as StreamCall);
    const whileOpen = (run: () => void) =>
      this.time.after(this.#clientDelay(), () => clock.whenFree(() => isOpen && run()));
    return {
      send: (message) => whileOpen(() => receiver.onMessage(message)),
      close: () => {
        if (!isOpen) return;
        place.calls.delete(lost);
        isOpen = false;
        this.time.after(this.#clientDelay(), () =>
          clock.whenFree(() => receiver.onAbort('cancelled')),
        );
      },
    };
  }

  /** A function that carries an answer to the client, once; `lost` is called in its place when the member is lost. */
  #answering(place: Place, lost: () => void): (run: () => void) => void {
    const { clock } = place;
    let isAnswered = false;
    const onLost = () => {
      if (isAnswered) return;
      isAnswered = true;
      this.time.after(this.#clientDelay(), lost);
    };
    place.calls.add(onLost);
    return (run) => {
      const departsAtMs = clock.freeAtMs;
      this.time.after(departsAtMs - this.time.nowMs + this.#clientDelay(), () => {
        place.calls.delete(onLost);
        // A member that was lost before the answer left has told so already.
        if (isAnswered) return;
        isAnswered = true;
        run();
      });
    };
  }

  #end(place: Place): void {
    place.clock.stop();
    place.member = undefined;
    place.isOpening = false;
    const calls = [...place.calls];
    place.calls.clear();
    for (const lost of calls) lost();
  }

  async #sync(place: Place): Promise<void> {
    const { clock } = place;
    await new Promise<void>((resolve) => clock.after(this.#between(place.syncMs), resolve));
  }

  #chance(): number {
    return this.#prng.next() / 2 ** 32;
  }

  #between([low, high]: readonly [number, number]): number {
    return low + (high - low) * this.#chance();
  }

  #clientDelay(): number {
    return this.#between([0.05, 1]);
  }

  #place(index: number): Place {
    const place = this.#places[index];
    if (place === undefined) throw new Error(`there is no member ${index}`);
    return place;
  }

  #send(from: number, sent: Message, clock: SimClock): void {
    this.#options.onSend?.(from, sent);
    const to = this.#places.findIndex(({ member }) => member?.core.memberId === sent.to);
    if (to < 0) return;
    const message = encoded(sent);
    const { duplicateRate = 0, lossRate } = this.network;
    const isLost = this.#chance() < lossRate;
    if (message.type === 'MsgSnap') {
      this.time.after(this.#delay(), () => void this.#sendState(from, to, message));
      return;
    }
    if (isLost) return;
    const departsAtMs = clock.freeAtMs;
    const deliver = () => {
      const { member, clock: receiver } = this.#place(to);
      if (!clock.ranAt(departsAtMs) || this.#isCut(from, to) || member === undefined) return;
      receiver.whenFree(() => member.core.loop.step(message));
    };
    const waitMs = departsAtMs - this.time.nowMs;
    this.time.after(waitMs + this.#delay(), deliver);
    // A transport may repeat any message but a proposal: raft would take it for another one.
    if (message.type !== 'MsgProp' && duplicateRate > 0 && this.#chance() < duplicateRate) {
      this.time.after(waitMs + this.#delay(), deliver);
    }
  }

  /** What a member may ask of the others; it takes its way there and back. */
  #peersOf(from: number, clock: SimClock): PeerCalls {
    const placeOf = (id: MemberId) =>
      this.#places.findIndex(({ member }) => member?.core.memberId === id);
    const isConnected = (to: number) => to >= 0 && !this.#isCut(from, to) && !this.#isCut(to, from);
    return {
      activeForMs: (id) => {
        const to = placeOf(id);
        return isConnected(to) ? this.time.nowMs - this.#place(to).bootedAtMs : undefined;
      },
      call: (id, path, request, timeoutMs) =>
        new Promise((resolve, reject) => {
          const lost = () => reject(new EtcdError('timeout'));
          const stopTimer = clock.after(timeoutMs, lost);
          const travel = (run: () => void) =>
            this.time.after(this.#delay(), () => {
              if (isConnected(placeOf(id))) run();
            });
          const answer = (settle: () => void) =>
            travel(() =>
              clock.whenFree(() => {
                stopTimer();
                settle();
              }),
            );
          travel(() => {
            const { member, clock: receiver } = this.#place(placeOf(id));
            const method = member?.core.peerHost().methods.get(path);
            receiver.whenFree(() => {
              method?.(request).then(
                (bytes) => answer(() => resolve(bytes)),
                (error: unknown) => answer(() => reject(error)),
              );
            });
          });
        }),
    };
  }

  #delay(): number {
    const { delayMs, lateRate = 0, lateMs = 0 } = this.network;
    const isLate = lateRate > 0 && this.#chance() < lateRate;
    return this.#between(delayMs) + (isLate ? this.#chance() * lateMs : 0);
  }

  #isCut(from: number, to: number): boolean {
    return this.#cuts.has(from * this.size + to);
  }

  /** A state arrives chunk by chunk, and wholly or not at all. */
  async #sendState(from: number, to: number, message: Message): Promise<void> {
    const { member: sending, clock: senderClock } = this.#place(from);
    const { member: receiving, clock: receiverClock } = this.#place(to);
    if (sending === undefined) return;
    const sender = sending.core;
    const report = (outcome: 'finish' | 'failure') =>
      senderClock.whenFree(() => sender.loop.reportSnapshot(message.to, outcome));
    const isBroken = () =>
      this.#isCut(from, to) ||
      this.#place(to).member !== receiving ||
      this.#place(from).member !== sending;
    if (receiving === undefined || isBroken()) {
      report('failure');
      return;
    }
    const receiver = receiving.core;
    const { metadata, chunks } = sender.stateToSend();
    const incoming = await receiver.receiveState();
    for await (const chunk of chunks) {
      await new Promise<void>((resolve) => this.time.after(this.#delay(), resolve));
      if (isBroken()) {
        if (this.#place(to).member === receiving) await incoming.abort();
        report('failure');
        return;
      }
      incoming.writer.push(chunk);
    }
    await incoming.finish(metadata.index);
    const snapshot = { metadata, data: new Uint8Array(0) };
    receiverClock.whenFree(() => receiver.loop.step({ ...message, snapshot }));
    report('finish');
    this.statesSent += 1;
  }
}

/** What arrives of a message: its entries without what they mean to the sender's process. */
function encoded(message: Message): Message {
  const entries = message.entries.map(({ term, index, type, data }) => ({
    term,
    index,
    type,
    data,
  }));
  return { ...message, entries };
}

function bytesOf(message: Uint8Array | readonly Uint8Array[]): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}
