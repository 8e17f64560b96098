import { decodeConfChange } from '../confchange/codec.ts';
import type { Config } from '../config.ts';
import { RaftError } from '../errors.ts';
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
import type { Prng } from './prng.ts';

/** What a simulated member needs of its world. */
export interface SimWorld {
  readonly random: Prng;
  readonly checkers: SafetyCheckers;
  send(message: Message): void;
  /** A read was answered: `context` is what was asked with. */
  readAnswered(context: Uint8Array, index: number): void;
}

export type SimConfig = Omit<Config, 'id' | 'storage' | 'applied' | 'random'>;

/**
 * One member with a disk and an application. The disk is a `MemoryStorage` that survives `crash`; what was handed out
 * and not persisted survives or not, by chance. The application is a running hash over all that it has applied; it
 * is lost in a crash and built up again from the snapshot and the log.
 */
export class SimMember {
  readonly id: MemberId;
  readonly storage: MemoryStorage;
  /** Undefined while the member is down. */
  node: RawNode | undefined;
  readonly #world: SimWorld;
  readonly #config: SimConfig;
  #writing: Ready[] = [];
  #written: Ready[] = [];
  /** The newest one written, on disk or not. */
  #hardState: HardState | undefined;
  #conf: ConfState = emptyConfState;
  #hash = 0;
  applied = 0;

  constructor(id: MemberId, conf: ConfState, config: SimConfig, world: SimWorld) {
    this.id = id;
    this.storage = new MemoryStorage(conf);
    this.#config = config;
    this.#world = world;
    this.start();
  }

  start(): void {
    const snapshot = this.storage.snapshot();
    this.#conf = snapshot.metadata.confState;
    this.applied = snapshot.metadata.index;
    this.#hash = decodeHash(snapshot.data);
    this.#writing = [];
    this.#written = [];
    const { id, storage, applied } = this;
    const random = this.#world.random.next;
    this.node = new RawNode({ ...this.#config, id, storage, applied, random });
  }

  /** Loses all that is not on disk. A write under way may still have happened, and those before it. */
  crash(): void {
    this.node = undefined;
    while (this.#writing.length > 0 && this.#world.random.chance(0.5)) this.#write();
    if (this.#world.random.chance(0.5)) this.#sync();
    this.#hardState = undefined;
  }

  /** Does one piece of work: takes a Ready, finishes a write, or applies. Returns whether there was any. */
  work(): boolean {
    const { node } = this;
    if (node === undefined) return false;
    const isAsync = this.#config.asyncStorageWrites === true;
    const mayTake = isAsync ? this.#writing.length < 4 : this.#writing.length === 0;
    if (mayTake && node.hasReady() && (!isAsync || this.#world.random.chance(0.5))) {
      this.#take(node, node.ready());
    } else if (isAsync && this.#written.length > 0 && this.#world.random.chance(0.5)) {
      const ready = this.#written.shift() as Ready;
      this.#apply(node, ready);
      node.applied(ready);
    } else if (this.#writing.length > 0) {
      this.#finishWrite(node, isAsync);
    } else {
      return this.#written.length > 0 || node.hasReady();
    }
    this.#observe(node);
    return true;
  }

  #take(node: RawNode, ready: Ready): void {
    for (const message of ready.messages) {
      if (!mustPersistFirst(message)) this.#world.send(message);
    }
    for (const { context, index } of ready.readStates) this.#world.readAnswered(context, index);
    // Committed entries are on disk already: the application need not wait for the write.
    if (ready.snapshot === undefined && !this.#config.asyncStorageWrites) this.#apply(node, ready);
    this.#writing.push(ready);
  }

  #finishWrite(node: RawNode, isAsync: boolean): void {
    const ready = this.#write();
    for (const message of ready.messages) {
      if (mustPersistFirst(message)) this.#world.send(message);
    }
    if (isAsync) {
      node.persisted(ready);
      this.#written.push(ready);
      return;
    }
    if (ready.snapshot !== undefined) this.#apply(node, ready);
    node.advance();
  }

  /** Writes the oldest one. What need not be synced reaches the disk with the next write that must be. */
  #write(): Ready {
    const ready = this.#writing.shift() as Ready;
    if (ready.snapshot !== undefined) this.storage.applySnapshot(ready.snapshot);
    this.storage.append(ready.entries);
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    if (ready.mustSync) this.#sync();
    return ready;
  }

  #sync(): void {
    if (this.#hardState !== undefined) this.storage.setHardState(this.#hardState);
  }

  #apply(node: RawNode, ready: Ready): void {
    if (ready.snapshot !== undefined) {
      const { index, confState } = ready.snapshot.metadata;
      this.#hash = decodeHash(ready.snapshot.data);
      this.#conf = confState;
      this.applied = index;
      this.#world.checkers.reached(index, String(this.#hash));
    }
    for (const entry of ready.committedEntries) this.#applyEntry(node, entry);
  }

  #applyEntry(node: RawNode, entry: Entry): void {
    this.applied = entry.index;
    this.#hash = (Math.imul(this.#hash, 31) + entry.term * 7 + entry.index) >>> 0;
    for (const byte of entry.data) this.#hash = (Math.imul(this.#hash, 31) + byte) >>> 0;
    this.#world.checkers.applied(entry, String(this.#hash));
    if (entry.type === 'normal') return;
    try {
      this.#conf = node.applyConfChange(decodeConfChange(entry));
    } catch (error) {
      // Not possible from here: it has no effect, and nowhere else either.
      if (!(error instanceof RaftError && error.code === 'confChange')) throw error;
    }
  }

  #observe(node: RawNode): void {
    if (node.role === 'leader') this.#world.checkers.leads(this.id, node.term, this.storage);
  }

  /** Makes a snapshot of what is applied, and drops the log up to `keep` entries before it. */
  compact(keep: number): void {
    if (this.node === undefined || this.applied <= this.storage.snapshot().metadata.index) return;
    if (this.applied > this.storage.lastIndex()) return;
    this.storage.createSnapshot(this.applied, this.#conf, encodeHash(this.#hash));
    const upTo = this.applied - keep;
    if (upTo >= this.storage.firstIndex()) this.storage.compact(upTo);
  }

  get conf(): ConfState {
    return this.#conf;
  }
}

function encodeHash(hash: number): Uint8Array {
  return Uint8Array.from([24, 16, 8, 0].map((shift) => (hash >>> shift) & 0xff));
}

function decodeHash(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => ((hash << 8) | byte) >>> 0, 0);
}
