import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { EtcdError } from '@kvorum/api';
import type { StreamCall, UnaryCall } from '@kvorum/h2';
import type { Message } from '@kvorum/raft';
import { type DiskOperation, Prng, SimDisk } from '@kvorum/wal/testing';
import type { Member } from '../membership/cluster.ts';
import { BootstrapError, type Joining, type KnownCluster } from '../membership/joining.ts';
import { MemoryEngines } from '../memory-engines.ts';
import { PacedDisk } from './paced-disk.ts';
import { noMetadata, SimMember, type SimSettings } from './sim-member.ts';
import { type SimNetwork, SimPeers } from './sim-peers.ts';
import { nameBehind, peerUrlOf, type SimPlace, type SyncTimes } from './sim-place.ts';
import { SimClock, SimTime } from './sim-time.ts';

/** What a cluster is made of; everything has a default. */
export interface SimClusterOptions {
  readonly settings?: SimSettings;
  /** How long syncs take; not at all by default. */
  readonly syncMs?: SyncTimes;
  /** Greatest deviation of a member's clock from the true time, 0.01 for 1 %. Default 0. */
  readonly clockDrift?: number;
  /** Told of every message that a member sends. */
  readonly onSend?: (from: number, message: Message) => void;
  /**
   * Told when a member has opened its store, or may have another one as it has taken over a state, before anything is
   * applied to it.
   */
  readonly onStore?: (index: number, member: SimMember) => void;
  /** Told when a member ends by itself, or does what it must not: a bug. */
  readonly onFailure?: (index: number, error: unknown) => void;
  /** Told when a member has ended by itself for a good reason. Without it `boot` rejects with what it was. */
  readonly onEnd?: (index: number, why: SimEnd) => void;
}

/** Why a member may end: the cluster has removed it, its disk has failed, or nobody knows of it (yet) when it joins. */
export type SimEnd = 'removed' | 'disk' | 'refused';

/** Messages on their way to a client before the member is told to wait. */
const STREAM_ROOM = 3;

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
  readonly #options: SimClusterOptions;
  readonly #places: SimPlace[] = [];
  readonly #prng: Prng;
  readonly #peers: SimPeers;

  constructor(seed: number, size: number, options: SimClusterOptions = {}) {
    this.#options = options;
    this.#prng = new Prng(seed);
    const names = Array.from({ length: size }, (_, i) => `m${i}`);
    for (const name of names) this.#places.push(this.#newPlace(name, names, false));
    this.#peers = new SimPeers({
      time: this.time,
      places: this.#places,
      chance: () => this.#chance(),
      onSend: (from, message) => {
        if (from.mustEnd) this.#fail(from, `sends ${message.type} after its log has failed`);
        options.onSend?.(from.index, message);
      },
    });
  }

  #newPlace(name: string, clusterNames: readonly string[], joins: boolean): SimPlace {
    const drift = this.#options.clockDrift ?? 0;
    const pace = { rate: 1 + drift * (2 * this.#chance() - 1) };
    const place: SimPlace = {
      index: this.#places.length,
      name,
      joins,
      clockPace: pace,
      clusterNames,
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
      guests: new Set(),
      hasFaulted: false,
      mustEnd: false,
      hasLeft: false,
    };
    return place;
  }

  /** Starts every member and lets time pass until all of them serve, know each other by name, and are at one point. */
  static async start(seed: number, size: number, options?: SimClusterOptions): Promise<SimCluster> {
    const cluster = new SimCluster(seed, size, options);
    for (let i = 0; i < size; i++) await cluster.boot(i);
    await cluster.time.until(() => {
      const { members } = cluster;
      const points = new Set(members.map(({ core }) => core.raftStatus().appliedIndex));
      return members.filter(({ isKnown }) => isKnown).length === size && points.size === 1;
    });
    return cluster;
  }

  /** Places with and without a member on them. */
  get size(): number {
    return this.#places.length;
  }

  get network(): SimNetwork {
    return this.#peers.network;
  }

  set network(network: SimNetwork) {
    this.#peers.network = network;
  }

  /** States that members sent to each other because the log didn't reach back far enough. */
  get statesSent(): number {
    return this.#peers.statesSent;
  }

  /** Makes room for one more member; returns its index. It can be booted once it is added under `urlOf`. */
  addPlace(): number {
    const index = this.#places.length;
    const name = `m${index}`;
    this.#places.push(this.#newPlace(name, [name], true));
    return index;
  }

  /** Where other members find the one at a place. */
  urlOf(index: number): string {
    return peerUrlOf(this.#place(index).name);
  }

  /** The place of a member, by its URL; undefined when there is none. */
  placeOf({ peerUrls }: Member): number | undefined {
    const at = this.#places.findIndex(({ name }) => peerUrls.includes(peerUrlOf(name)));
    return at < 0 ? undefined : at;
  }

  /** Any place that has or may get a member: not one whose member was removed. */
  anyone(prng: Prng): number {
    const places = this.#places.filter(({ hasLeft }) => !hasLeft);
    return (places[prng.below(places.length)] ?? places[0])?.index ?? 0;
  }

  /** Any member that serves; undefined when none does. */
  up(prng: Prng): number | undefined {
    const places = this.#places.filter(({ index }) => this.isUp(index));
    return places[prng.below(places.length)]?.index;
  }

  /** Whether the member at a place has ended because the cluster has removed it. */
  hasLeft(index: number): boolean {
    return this.#place(index).hasLeft;
  }

  /** The membership by the word of the running member that has applied most; empty when none runs. */
  get membership(): readonly Member[] {
    let most: SimMember | undefined;
    for (const { member } of this.#places) {
      if (member === undefined) continue;
      const { appliedIndex } = member.core.raftStatus();
      if (most === undefined || appliedIndex > most.core.raftStatus().appliedIndex) most = member;
    }
    return most?.core.cluster.members() ?? [];
  }

  /** The members that run and have come up. */
  get members(): SimMember[] {
    return this.#places.flatMap(({ member }) => (member?.isUp === true ? [member] : []));
  }

  /**
   * Processes that run, up or not, but for those that nobody can reach: a member that was removed, and knows
   * only others that are gone as well, waits for ever when it is started again.
   */
  get runningCount(): number {
    const ids = new Set(this.membership.map(({ id }) => id));
    return this.#places.filter(({ index, member }) => {
      if (!this.isRunning(index) || member === undefined) return this.isRunning(index);
      const { memberId, cluster } = member.core;
      return ids.has(memberId) || cluster.members().some(({ id }) => ids.has(id));
    }).length;
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
    place.guests = new Set();
    place.storage.disk.onFault = (operation, path) => this.#faulted(place, operation, path);
    const { onStore, onEnd } = this.#options;
    // Its power may be cut meanwhile.
    const isGone = () => place.clock !== clock || !place.isOpening;
    let member: SimMember;
    try {
      member = await this.#open(place, clock);
    } catch (error) {
      if (isGone()) return;
      const why = place.hasFaulted ? 'disk' : 'refused';
      this.crash(index);
      if (onEnd === undefined || (why === 'refused' && !(error instanceof BootstrapError)))
        throw error;
      onEnd(index, why);
      return;
    }
    if (isGone()) return;
    place.isOpening = false;
    place.member = member;
    void member.core.end.fatal.then((error) => this.#ended(place, member, error));
    void member.core.end.removed.then(() => this.#removed(place, member));
    onStore?.(index, member);
    // It never comes up when it crashes before, and is told so when it is stopped.
    const serve = member.start().then(() => member.publish(place.name));
    serve.catch((error: unknown) => {
      const isStopped = error instanceof EtcdError && error.code === 'stopped';
      if (place.member === member && !isStopped) this.#options.onFailure?.(index, error);
    });
  }

  async #open(place: SimPlace, clock: SimClock): Promise<SimMember> {
    const prng = new Prng(this.#prng.below(2 ** 31));
    const { settings, syncMs, onStore } = this.#options;
    const { disk } = place.storage;
    const joining = await this.#joining(place);
    return await SimMember.open(place.storage, {
      name: place.name,
      clusterNames: place.clusterNames,
      initialClusterState: place.joins ? 'existing' : 'new',
      clock,
      random: () => prng.below(2 ** 30) / 2 ** 30,
      outbox: { send: (message) => this.#peers.send(place, message, clock) },
      peers: this.#peers.callsOf(place, clock),
      onMembershipChanged: () => {
        const { member, index } = place;
        if (member !== undefined && place.clock === clock) onStore?.(index, member);
      },
      ...(joining === undefined ? {} : { joins: joining.owner }),
      ...(settings === undefined ? {} : { settings }),
      ...(syncMs === undefined
        ? {}
        : { disk: new PacedDisk(disk, clock, () => this.#between(place.syncMs)) }),
    });
  }

  /** Who a member is that comes to a cluster for the first time; undefined for others. Throws `BootstrapError`. */
  async #joining(place: SimPlace): Promise<Joining | undefined> {
    const { name, joins, storage } = place;
    if (!joins || SimMember.hasLog(storage)) return undefined;
    const known = this.#clusterKnownBesides(place);
    const names = known?.members.map(({ peerUrls }) => nameBehind(peerUrls[0] ?? '')) ?? [];
    place.clusterNames = names.includes(name) ? names : [...names, name];
    const joining = await SimMember.joining(name, place.clusterNames, known);
    for (const { id } of joining.members) place.guests.add(id);
    return joining;
  }

  /** The cluster as any of the other members tells of it. */
  #clusterKnownBesides(place: SimPlace): KnownCluster | undefined {
    const known = this.#places.flatMap(({ member }) => {
      if (member === undefined || member === place.member) return [];
      const { cluster } = member.core;
      return [{ clusterId: cluster.id, members: cluster.members() }];
    });
    const told = known.filter(({ members }) => members.length > 0);
    return told.length === 0 ? known[0] : told[this.#prng.below(told.length)];
  }

  /** What was written to the log may be lost: the member must end before it says anything. */
  #faulted(place: SimPlace, operation: DiskOperation, path: string): void {
    const { member } = place;
    place.hasFaulted = true;
    // A segment that is prepared holds nothing yet.
    if (member === undefined || path.endsWith('.tmp')) return;
    place.mustEnd = true;
    this.time.after(0, () => {
      if (place.member === member)
        this.#fail(place, `goes on after a failed ${operation} of ${path}`);
    });
  }

  #fail(place: SimPlace, what: string): void {
    this.#options.onFailure?.(place.index, new Error(`${place.name} ${what}`));
  }

  #ended(place: SimPlace, member: SimMember, error: Error): void {
    if (place.member !== member) return;
    const { onEnd, onFailure } = this.#options;
    if (!place.hasFaulted || onEnd === undefined) {
      onFailure?.(place.index, error);
      return;
    }
    this.crash(place.index);
    onEnd(place.index, 'disk');
  }

  #removed(place: SimPlace, member: SimMember): void {
    if (place.member !== member) return;
    place.hasLeft = true;
    void this.stop(place.index).then(() => {
      if (!this.isRunning(place.index)) this.#options.onEnd?.(place.index, 'removed');
    });
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
    try {
      await member.core.close();
    } catch (error) {
      this.#ended(place, member, error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (place.member === member) this.#end(place);
  }

  /**
   * Lets the disk of a member's log refuse an operation, once, after `skip` that it carries out. The member has to end
   * before it acknowledges anything.
   */
  failDisk(index: number, operation: DiskOperation, skip: number): void {
    this.#place(index).storage.disk.failNext(operation, { path: '/wal/', skip });
  }

  /** Sets how long the syncs of a member take from now on. */
  paceDisk(index: number, syncMs: SyncTimes): void {
    this.#place(index).syncMs = syncMs;
  }

  /** Takes back `failDisk`, where nothing has come of it yet. */
  mendDisk(index: number): void {
    this.#place(index).storage.disk.failNoMore();
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
    this.#peers.cut(from, to);
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
    this.#peers.heal();
  }

  /** A unary call at one member, of whoever has the token; time passes until it is answered. */
  async call<Request extends DescMessage, Response extends DescMessage>(
    index: number,
    method: readonly [string, Request, Response],
    init: MessageInitShape<Request>,
    token?: string,
  ): Promise<MessageShape<Response>> {
    let isDone = false;
    const answer = this.member(index)
      .call(...method, init, token)
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
        reply: (message) => {
          if (place.mustEnd && place.member === member)
            this.#fail(place, `answers ${path} after its log has failed`);
          answer(() => callback.reply(bytesOf(message)));
        },
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
  #answering(place: SimPlace, lost: () => void): (run: () => void) => void {
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

  #end(place: SimPlace): void {
    place.clock.stop();
    place.member = undefined;
    place.isOpening = false;
    place.hasFaulted = false;
    place.mustEnd = false;
    const calls = [...place.calls];
    place.calls.clear();
    for (const lost of calls) lost();
  }

  async #sync(place: SimPlace): Promise<void> {
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

  #place(index: number): SimPlace {
    const place = this.#places[index];
    if (place === undefined) throw new Error(`there is no member ${index}`);
    return place;
  }
}

function bytesOf(message: Uint8Array | readonly Uint8Array[]): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}
