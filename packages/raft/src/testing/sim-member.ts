import { decodeConfChange } from '../confchange/codec.ts';
import { RaftError } from '../errors.ts';
import { invariant } from '../invariant.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { RawNode } from '../raw-node.ts';
import { mustPersistFirst, type Ready } from '../ready.ts';
import {
  type ConfState,
  type Entry,
  emptyConfState,
  type HardState,
  type MemberId,
  type Message,
} from '../types.ts';
import type { SafetyCheckers } from './checkers.ts';
import type { EventQueue } from './event-queue.ts';
import type { Prng } from './prng.ts';
import { type SimConfig, tickLength } from './sim-config.ts';
import type { Trace } from './trace.ts';

/** What the members of a simulation share. */
export interface SimWorld {
  readonly random: Prng;
  readonly queue: EventQueue;
  readonly trace: Trace;
  readonly checkers: SafetyCheckers;
  readonly config: SimConfig;
  /** The members that the group begins with. */
  readonly founders: ConfState;
  /** Whether clients are at rest. */
  isQuiet: boolean;
  send(message: Message): void;
  /** A member has become leader. */
  elected(member: SimMember): void;
  /** A member has made a membership change effective. */
  changed(member: SimMember, conf: ConfState): void;
  /** A client asks that member for a read. */
  read(member: SimMember): void;
  /** Lets these run, if they don't yet: new members know nothing, and learn the log from the leader. */
  welcome(ids: readonly MemberId[]): void;
  /** A read was served from the application's state after `index`. */
  readServed(context: Uint8Array, index: number, state: number): void;
}

interface Application {
  readonly index: number;
  readonly state: number;
  readonly conf: ConfState;
}

/**
 * One member with a disk, a clock and an application. The disk is a `MemoryStorage` that survives `crash`; what was
 * handed out and not persisted survives or not, by chance. The application is a running hash over all that it has
 * applied; after a crash it goes on from the snapshot or from its last checkpoint.
 */
export class SimMember {
  readonly id: MemberId;
  readonly storage = new MemoryStorage();
  /** Undefined while the member is down. */
  node: RawNode | undefined;
  /** How long a tick takes by the clock of its machine, and how long its disk and its application take at most. */
  tickPeriod = tickLength;
  maxSyncDelay = 20;
  maxApplyDelay: number;
  readonly #world: SimWorld;
  /** Events that were planned in an earlier life are void. */
  #life = 0;
  #isPaused = false;
  #nextTick = 0;
  /** What came while the process was paused. */
  #backlog: (() => void)[] = [];

  #writing: Ready[] = [];
  #written: Ready[] = [];
  #diskBusyUntil = 0;
  #applyBusyUntil = 0;
  /** The newest one written, on disk or not. */
  #hardState: HardState | undefined;
  #app: Application = { index: 0, state: 0, conf: emptyConfState };
  #checkpoint: Application = this.#app;
  #reads: { context: Uint8Array; index: number }[] = [];

  /** As last looked at: the leader's term, or 0; what is committed; the last entry that it handed out. */
  #ledTerm = 0;
  #committed = 0;
  #lastLed = 0;

  constructor(id: MemberId, world: SimWorld) {
    this.id = id;
    this.#world = world;
    const { config, founders } = world;
    this.maxApplyDelay = config.maxApplyDelay;
    // What the log does not tell, everybody must be told who replays it.
    if (!config.bootstraps) {
      this.storage.setConfState(founders);
      this.#checkpoint = { index: 0, state: 0, conf: founders };
    }
    this.start();
  }

  get conf(): ConfState {
    return this.#app.conf;
  }

  get applied(): number {
    return this.#app.index;
  }

  get state(): number {
    return this.#app.state;
  }

  get isUp(): boolean {
    return this.node !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(): void {
    const { random, queue, config, founders, trace } = this.#world;
    trace.event('start', Number(this.id), this.storage.lastIndex());
    const { data, metadata } = this.storage.snapshot();
    this.#app = this.#checkpoint;
    if (metadata.index > this.#app.index) {
      this.#app = { index: metadata.index, state: decodeState(data), conf: metadata.confState };
    }
    this.storage.setConfState(this.#app.conf);
    const { id, storage } = this;
    const applied = this.#app.index;
    this.node = new RawNode({ ...config.raft, id, storage, applied, random: random.next });
    this.#committed = this.node.committed;
    const isNew = this.node.term === 0 && storage.lastIndex() === 0;
    if (config.bootstraps && isNew && founders.voters.includes(id)) {
      this.node.bootstrap(
        founders.voters.map((voter) => ({ id: voter, context: new Uint8Array(0) })),
      );
    }
    this.driftAway();
    this.#nextTick = queue.now + random.below(this.tickPeriod);
    this.#planTick();
    this.#work();
  }

  /** Loses all that is not on disk. A write under way may still have happened, and those before it. */
  crash(): void {
    const { random, trace } = this.#world;
    trace.event('crash', Number(this.id), this.#writing.length);
    this.node = undefined;
    this.#life++;
    while (this.#writing.length > 0 && random.chance(0.5)) this.#write();
    if (random.chance(0.5)) this.#sync();
    this.#hardState = undefined;
    this.#writing = [];
    this.#written = [];
    this.#reads = [];
    this.#backlog = [];
    this.#isPaused = false;
    this.#diskBusyUntil = 0;
    this.#applyBusyUntil = 0;
    this.#ledTerm = 0;
  }

  /** The process stops for a while. Its clock goes on: what it missed comes at once, unless `losesTicks`. */
  pause(duration: number, losesTicks: boolean): void {
    if (this.#isPaused || this.node === undefined) return;
    const { trace } = this.#world;
    trace.event('pause', Number(this.id), duration);
    this.#isPaused = true;
    this.#later(duration, () => this.#resume(losesTicks));
  }

  #resume(losesTicks: boolean): void {
    const { queue, trace } = this.#world;
    trace.event('resume', Number(this.id), this.#backlog.length);
    this.#isPaused = false;
    if (losesTicks) this.#nextTick = queue.now + this.tickPeriod;
    while (this.#nextTick <= queue.now) this.#tick();
    this.#planTick();
    for (const act of this.#backlog.splice(0)) act();
    this.#work();
  }

  /** The clock goes at another rate from here on. */
  driftAway(): void {
    const { config, random } = this.#world;
    this.tickPeriod = Math.round(tickLength * (1 + config.drift * (2 * random.next() - 1)));
  }

  /** Lets ticks come too early, as after a jump of the clock. */
  jump(ticks: number): void {
    this.act((node) => {
      this.#world.trace.event('jump', Number(this.id), ticks);
      for (let i = 0; i < ticks; i++) node.tick();
    });
  }

  /** Does something at this member, now or when its process goes on; nothing if it is down. Drops are no errors. */
  act(act: (node: RawNode) => void): void {
    const { node } = this;
    if (node === undefined) return;
    if (this.#isPaused) {
      this.#backlog.push(() => this.act(act));
      return;
    }
    dropping(() => act(node));
    this.#work();
  }

  receive(message: Message): void {
    this.act((node) => {
      const { term } = node;
      node.step(message);
      const isQuestion = message.type === 'MsgPreVote';
      invariant(!isQuestion || node.term === term, 'a pre-vote has changed the term');
    });
  }

  #planTick(): void {
    this.#later(this.#nextTick - this.#world.queue.now, () => {
      if (this.#isPaused) return;
      this.#tick();
      this.#planTick();
      this.#work();
    });
  }

  #tick(): void {
    this.#world.trace.event('tick', Number(this.id), 0);
    this.#nextTick += this.tickPeriod;
    this.node?.tick();
  }

  /** Plans something for this life. */
  #later(delay: number, happen: () => void): void {
    const life = this.#life;
    this.#world.queue.after(delay, () => {
      if (life === this.#life) happen();
    });
  }

  /** Takes Readys while there are any and the disk takes more. */
  #work(): void {
    const { node } = this;
    if (node === undefined || this.#isPaused) return;
    const { maxWrites } = this.#world.config;
    this.#observe(node);
    while (this.#writing.length < maxWrites && node.hasReady()) {
      this.#take(node, node.ready());
      this.#observe(node);
    }
  }

  #take(node: RawNode, ready: Ready): void {
    const isAsync = this.#world.config.raft.asyncStorageWrites === true;
    this.#checkAppendOnly(node, ready);
    for (const message of ready.messages) {
      if (!mustPersistFirst(message)) this.#send(message);
    }
    for (const read of ready.readStates) this.#reads.push(read);
    // Committed entries are on disk already: the application need not wait for the write.
    if (ready.snapshot === undefined && !isAsync) this.#apply(node, ready);
    this.#serveReads();
    this.#writing.push(ready);
    if (!ready.mustSync && this.#writing.length === 1) {
      this.#finishWrite(node);
      return;
    }
    const { queue, random } = this.#world;
    const delay = ready.mustSync ? 1 + random.below(this.maxSyncDelay) : 0;
    this.#diskBusyUntil = Math.max(this.#diskBusyUntil, queue.now + delay);
    this.#later(this.#diskBusyUntil - queue.now, () => this.act(() => this.#finishWrite(node)));
  }

  #finishWrite(node: RawNode): void {
    const { config, queue, random } = this.#world;
    const ready = this.#write();
    for (const message of ready.messages) {
      if (mustPersistFirst(message)) this.#send(message);
    }
    if (config.raft.asyncStorageWrites !== true) {
      if (ready.snapshot !== undefined) this.#apply(node, ready);
      node.advance();
      this.#serveReads();
      return;
    }
    node.persisted(ready);
    this.#written.push(ready);
    const delay = random.below(this.maxApplyDelay + 1);
    this.#applyBusyUntil = Math.max(this.#applyBusyUntil, queue.now + delay);
    this.#later(this.#applyBusyUntil - queue.now, () => this.act(() => this.#finishApply(node)));
  }

  #finishApply(node: RawNode): void {
    const ready = this.#written.shift() as Ready;
    this.#apply(node, ready);
    node.applied(ready);
    this.#serveReads();
  }

  /** Writes the oldest one. What need not be synced reaches the disk with the next write that must be. */
  #write(): Ready {
    const ready = this.#writing.shift() as Ready;
    if (ready.snapshot !== undefined) this.storage.applySnapshot(ready.snapshot);
    this.#world.checkers.stores(this.storage, ready.entries);
    this.storage.append(ready.entries);
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    if (ready.mustSync) this.#sync();
    return ready;
  }

  #sync(): void {
    if (this.#hardState !== undefined) this.storage.setHardState(this.#hardState);
  }

  #send(message: Message): void {
    this.#world.checkers.sends(this, message);
    const { config, random } = this.#world;
    if (message.type === 'MsgAppResp' && message.reject && random.chance(config.poorHints)) {
      message.rejectHint = random.below(message.rejectHint + 1);
      message.logTerm = 0;
    }
    this.#world.send(message);
  }

  #apply(node: RawNode, ready: Ready): void {
    if (ready.snapshot !== undefined) {
      const { index, confState } = ready.snapshot.metadata;
      this.#app = { index, state: decodeState(ready.snapshot.data), conf: confState };
      this.#world.checkers.reached(index, this.#app.state);
      this.#world.checkers.hasMembership(index, confState);
    }
    for (const entry of ready.committedEntries) this.#applyEntry(node, entry);
  }

  #applyEntry(node: RawNode, entry: Entry): void {
    const { index, term, data } = entry;
    invariant(index === this.#app.index + 1, 'an entry was skipped or applied twice', { index });
    let state = (Math.imul(this.#app.state, 31) + term * 7 + index) | 0;
    for (const byte of data) state = (Math.imul(state, 31) + byte) | 0;
    let { conf } = this.#app;
    if (entry.type !== 'normal') {
      try {
        conf = node.applyConfChange(decodeConfChange(entry));
      } catch (error) {
        // Not possible from here: it has no effect, and nowhere else either.
        if (!(error instanceof RaftError && error.code === 'confChange')) throw error;
      }
    }
    this.#app = { index, state, conf };
    if (entry.type !== 'normal') this.#world.changed(this, conf);
    const isFounding = this.#world.config.bootstraps && index <= this.#world.founders.voters.length;
    if (entry.type !== 'normal' && !isFounding) this.#world.checkers.hasMembership(index, conf);
    this.#world.checkers.applied(this, entry, state);
  }

  #serveReads(): void {
    if (this.#reads.length === 0) return;
    const { index, state } = this.#app;
    const waiting = this.#reads.filter((read) => read.index > index);
    for (const read of this.#reads) {
      if (read.index <= index) this.#world.readServed(read.context, index, state);
    }
    this.#reads = waiting;
  }

  /** A leader never overwrites or deletes entries in its log (dissertation figure 3.2). */
  #checkAppendOnly(node: RawNode, ready: Ready): void {
    const first = ready.entries[0];
    if (first === undefined) return;
    if (node.role === 'leader' && this.#ledTerm === node.term && this.#lastLed > 0) {
      invariant(first.index > this.#lastLed, 'a leader has overwritten its log');
    }
    this.#lastLed = node.role === 'leader' ? (ready.entries.at(-1)?.index ?? 0) : 0;
  }

  #observe(node: RawNode): void {
    const { checkers } = this.#world;
    const { committed, term } = node;
    invariant(committed >= this.#committed, 'the commit index fell');
    if (node.role === 'leader') {
      if (this.#ledTerm !== term) {
        checkers.leads(this, term);
        this.#world.elected(this);
      } else if (committed > this.#committed) checkers.commits(node.status().conf, term, committed);
      this.#ledTerm = term;
    } else {
      this.#ledTerm = 0;
      this.#lastLed = 0;
    }
    this.#committed = committed;
  }

  /** The application saves its state, and the log need not be applied again up to here. */
  checkpoint(): void {
    if (this.node !== undefined) this.#checkpoint = this.#app;
  }

  /** Makes a snapshot of what is applied, and drops the log up to `keep` entries before it. */
  compact(keep: number): void {
    const { index, conf, state } = this.#app;
    if (this.node === undefined || index <= this.storage.snapshot().metadata.index) return;
    if (index > this.storage.lastIndex()) return;
    this.#world.trace.event('compact', Number(this.id), index);
    this.storage.createSnapshot(index, conf, encodeState(state));
    const upTo = index - keep;
    if (upTo >= this.storage.firstIndex()) this.storage.compact(upTo);
  }
}

/** Proposals may be dropped, and answers may come from members that have left. */
function dropping(act: () => void): void {
  try {
    act();
  } catch (error) {
    const expected = ['proposalDropped', 'stepPeerNotFound'];
    if (!(error instanceof RaftError && expected.includes(error.code))) throw error;
  }
}

function encodeState(state: number): Uint8Array {
  return Uint8Array.from([24, 16, 8, 0].map((shift) => (state >>> shift) & 0xff));
}

function decodeState(bytes: Uint8Array): number {
  return bytes.reduce((state, byte) => (state << 8) | byte, 0);
}
