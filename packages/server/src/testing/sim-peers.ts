import { EtcdError } from '@kvorum/api';
import type { MemberId, Message } from '@kvorum/raft';
import type { PeerCalls } from '../peer/peer-calls.ts';
import type { SimPlace } from './sim-place.ts';
import type { SimClock, SimTime } from './sim-time.ts';

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

/** Members look this often whether the others let them in, as the transport does that opens streams. */
const GREET_EVERY_MS = 1000;
/** More places than a cluster ever has. */
const MAX_PLACES = 1024;

export interface SimPeersOptions {
  readonly time: SimTime;
  readonly places: readonly SimPlace[];
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  /** Told of every message that a member sends. */
  readonly onSend: (from: SimPlace, message: Message) => void;
}

/** The network between members: who reaches whom, and what gets through. */
export class SimPeers {
  network: SimNetwork = calmNetwork;
  /** States that members sent to each other because the log didn't reach back far enough. */
  statesSent = 0;
  readonly #options: SimPeersOptions;
  readonly #time: SimTime;
  /** Ordered pairs of places between which nothing gets through, as `from * MAX_PLACES + to`. */
  readonly #cuts = new Set<number>();
  #healedAtMs = 0;

  constructor(options: SimPeersOptions) {
    this.#options = options;
    this.#time = options.time;
    this.#greetLater();
  }

  /** Lets nothing through from one place to another, in this direction. */
  cut(from: number, to: number): void {
    this.#cuts.add(from * MAX_PLACES + to);
  }

  /** Undoes all cuts. */
  heal(): void {
    if (this.#cuts.size > 0) this.#healedAtMs = this.#time.nowMs;
    this.#cuts.clear();
  }

  /** Takes a message of the member that runs at `from`, whose time is `clock`. */
  send(from: SimPlace, sent: Message, clock: SimClock): void {
    this.#options.onSend(from, sent);
    const to = this.#placeOf(sent.to);
    const message = encoded(sent);
    const isLost = this.#options.chance() < this.network.lossRate;
    if (message.type === 'MsgSnap') {
      const receiver = knows(from, sent.to) ? to : undefined;
      this.#time.after(this.#delay(), () => void this.#sendState(from, receiver, message));
      return;
    }
    if (to === undefined || isLost || !knows(from, sent.to)) return;
    const sender = from.member;
    const departsAtMs = clock.freeAtMs;
    const deliver = () => {
      const { member, clock: receiver } = to;
      if (!clock.ranAt(departsAtMs) || this.#isCut(from, to) || member === undefined) return;
      if (member.core.memberId !== message.to) return;
      if (!this.#letsIn(to, from, message.from)) {
        if (from.member === sender) this.#tellRemoved(from, to);
        return;
      }
      receiver.whenFree(() => member.core.loop.step(message));
    };
    const waitMs = departsAtMs - this.#time.nowMs;
    this.#time.after(waitMs + this.#delay(), deliver);
    // A transport may repeat any message but a proposal: raft would take it for another one.
    const { duplicateRate = 0 } = this.network;
    if (message.type !== 'MsgProp' && duplicateRate > 0 && this.#options.chance() < duplicateRate) {
      this.#time.after(waitMs + this.#delay(), deliver);
    }
  }

  /** What the member at a place may ask of the others; it takes its way there and back. */
  callsOf(from: SimPlace, clock: SimClock): PeerCalls {
    const isConnected = (to: SimPlace | undefined): to is SimPlace =>
      to !== undefined && !this.#isCut(from, to) && !this.#isCut(to, from);
    return {
      activeForMs: (id) => {
        const to = knows(from, id) ? this.#placeOf(id) : undefined;
        if (!isConnected(to)) return undefined;
        return this.#time.nowMs - Math.max(from.bootedAtMs, to.bootedAtMs, this.#healedAtMs);
      },
      call: (id, path, request, timeoutMs) =>
        new Promise((resolve, reject) => {
          const lost = () => reject(new EtcdError('timeout'));
          const stopTimer = clock.after(timeoutMs, lost);
          const travel = (run: (to: SimPlace) => void) =>
            this.#time.after(this.#delay(), () => {
              const to = this.#placeOf(id);
              if (isConnected(to)) run(to);
            });
          const answer = (settle: () => void) =>
            travel(() =>
              clock.whenFree(() => {
                stopTimer();
                settle();
              }),
            );
          travel((to) => {
            const method = to.member?.core.peerHost().methods.get(path);
            to.clock.whenFree(() => {
              method?.(request).then(
                (bytes) => answer(() => resolve(bytes)),
                (error: unknown) => answer(() => reject(error)),
              );
            });
          });
        }),
    };
  }

  /** Where the member with that id runs. */
  #placeOf(id: MemberId): SimPlace | undefined {
    return this.#options.places.find(({ member }) => member?.core.memberId === id);
  }

  #isCut(from: SimPlace, to: SimPlace): boolean {
    return this.#cuts.has(from.index * MAX_PLACES + to.index);
  }

  #delay(): number {
    const { chance } = this.#options;
    const { delayMs, lateRate = 0, lateMs = 0 } = this.network;
    const isLate = lateRate > 0 && chance() < lateRate;
    const [low, high] = delayMs;
    return low + (high - low) * chance() + (isLate ? chance() * lateMs : 0);
  }

  /** Whether a member listens to another one. Whoever greets it can be answered. */
  #letsIn(to: SimPlace, from: SimPlace, id: MemberId): boolean {
    const { member } = to;
    if (member === undefined) return false;
    const { cluster } = member.core;
    if (cluster.isRemoved(id)) return false;
    if (cluster.member(id) === undefined && from.member?.core.memberId === id) to.guests.add(id);
    return true;
  }

  /** Its streams are ended with these words. */
  #tellRemoved(from: SimPlace, by: SimPlace): void {
    const { member, clock } = from;
    if (member === undefined || this.#isCut(by, from)) return;
    this.#time.after(this.#delay(), () =>
      clock.whenFree(() => {
        if (from.member === member) member.core.peerHost().onRemoved();
      }),
    );
  }

  /** Streams are open all the time, and opened again when they end: a member need not say anything to be heard of. */
  #greetLater(): void {
    this.#time.after(GREET_EVERY_MS, () => {
      for (const from of this.#options.places) this.#greetAll(from);
      this.#greetLater();
    });
  }

  #greetAll(from: SimPlace): void {
    const { member } = from;
    if (member === undefined) return;
    const id = member.core.memberId;
    for (const to of this.#options.places) {
      if (to === from || to.member === undefined || !knows(from, to.member.core.memberId)) continue;
      if (this.#isCut(from, to) || this.#isCut(to, from)) continue;
      if (!this.#letsIn(to, from, id)) this.#tellRemoved(from, to);
    }
  }

  /** A state arrives chunk by chunk, and wholly or not at all. */
  async #sendState(from: SimPlace, to: SimPlace | undefined, message: Message): Promise<void> {
    const { member: sending, clock: senderClock } = from;
    if (sending === undefined) return;
    const sender = sending.core;
    const report = (outcome: 'finish' | 'failure') =>
      senderClock.whenFree(() => sender.loop.reportSnapshot(message.to, outcome));
    const receiving = to?.member;
    const isBroken = () =>
      to === undefined ||
      this.#isCut(from, to) ||
      to.member !== receiving ||
      from.member !== sending;
    if (to === undefined || receiving === undefined || isBroken()) {
      report('failure');
      return;
    }
    if (!this.#letsIn(to, from, message.from)) {
      this.#tellRemoved(from, to);
      report('failure');
      return;
    }
    const { clock: receiverClock } = to;
    const receiver = receiving.core;
    const { metadata, chunks } = sender.stateToSend();
    const incoming = await receiver.receiveState();
    for await (const chunk of chunks) {
      await new Promise<void>((resolve) => this.#time.after(this.#delay(), resolve));
      if (isBroken()) {
        if (to.member === receiving) await incoming.abort();
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

/** Whether the member at a place has a way to another one: from its list, or since that one spoke first. */
function knows({ member, guests }: SimPlace, id: MemberId): boolean {
  if (member === undefined) return false;
  const { cluster } = member.core;
  return !cluster.isRemoved(id) && (cluster.member(id) !== undefined || guests.has(id));
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
