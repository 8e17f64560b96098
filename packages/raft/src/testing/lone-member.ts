import { decodeConfChange } from '../confchange/codec.ts';
import type { Config } from '../config.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { RawNode } from '../raw-node.ts';
import {
  type Entry,
  emptyConfState,
  type MemberId,
  type Message,
  type MessageType,
  newMessage,
  noBytes,
  type ReadState,
} from '../types.ts';

/** How a lone member starts; everything else as in `Config`, without checkQuorum and preVote unless asked for. */
export interface LoneStart extends Partial<Config> {
  voters?: readonly MemberId[];
  learners?: readonly MemberId[];
  term?: number;
  vote?: MemberId;
  commit?: number;
  /** The terms of its entries, from index 1 on. */
  terms?: readonly number[];
  /** A disk from an earlier life, in place of one with all of the above. */
  disk?: MemoryStorage;
  /** Whether committed membership changes take effect by themselves. */
  appliesChanges?: boolean;
}

/**
 * One member, number 1 unless told otherwise, of a group whose other members are played by the test: what it sends is
 * collected, what it gets is written by hand.
 */
export class LoneMember {
  readonly id: MemberId;
  readonly storage: MemoryStorage;
  readonly node: RawNode;
  /** What it has sent since the last `take`. */
  #sent: Message[] = [];
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];
  readonly #start: LoneStart;

  constructor(start: LoneStart = {}) {
    const { voters, learners, terms, term, vote, commit, disk, appliesChanges, ...config } = start;
    this.#start = start;
    this.id = start.id ?? 1n;
    this.storage = disk ?? freshDisk(start);
    this.node = new RawNode({
      id: this.id,
      storage: this.storage,
      electionTicks: 10,
      heartbeatTicks: 1,
      random: () => 0,
      checkQuorum: false,
      preVote: false,
      verify: true,
      ...config,
    });
    this.work();
  }

  /** Carries out all Readys. */
  work(): void {
    while (this.node.hasReady()) {
      const ready = this.node.ready();
      if (ready.snapshot !== undefined) this.storage.applySnapshot(ready.snapshot);
      this.storage.append(ready.entries);
      if (ready.hardState !== undefined) this.storage.setHardState(ready.hardState);
      this.#sent.push(...ready.messages);
      for (const entry of ready.committedEntries) this.#apply(entry);
      this.reads.push(...ready.readStates);
      this.node.advance();
    }
  }

  #apply(entry: Entry): void {
    this.applied.push(entry);
    if (entry.type === 'normal' || this.#start.appliesChanges !== true) return;
    this.storage.setConfState(this.node.applyConfChange(decodeConfChange(entry)));
  }

  /** The same member after a crash: what it had not written is gone. By default it applies its log once more. */
  restarted(changed: LoneStart = {}): LoneMember {
    return new LoneMember({ ...this.#start, disk: this.storage, ...changed });
  }

  /** Gets a message of that type, by default in the member's own term, and carries out what follows from it. */
  get(type: MessageType, from: MemberId, fields: Partial<Message> = {}): void {
    this.node.step({ ...newMessage(type, this.id), from, term: this.node.term, ...fields });
    this.work();
  }

  tick(times = 1): void {
    for (let i = 0; i < times; i++) this.node.tick();
    this.work();
  }

  /** What it has sent since last asked, of one type or of all. */
  take(type?: MessageType): Message[] {
    const taken = this.#sent.filter((m) => type === undefined || m.type === type);
    this.#sent = [];
    return taken;
  }

  /**
   * Campaigns and gets member 2's vote, and the acknowledgement of its first entry unless `acknowledged` is false.
   * Alone it needs neither.
   */
  lead(acknowledged = true): this {
    this.node.campaign();
    this.work();
    if (this.node.role !== 'leader') {
      this.get('MsgVoteResp', 2n);
      if (acknowledged) this.get('MsgAppResp', 2n, { index: this.storage.lastIndex() });
    }
    this.take();
    return this;
  }

  /** The terms of its log. */
  get terms(): number[] {
    const last = this.storage.lastIndex();
    const first = this.storage.firstIndex();
    if (last < first) return [];
    return this.storage.entries(first, last + 1, Number.POSITIVE_INFINITY).map((e) => e.term);
  }
}

function freshDisk(start: LoneStart): MemoryStorage {
  const { voters = [1n, 2n, 3n], learners = [], terms = [] } = start;
  const { term = 0, vote = 0n, commit = 0 } = start;
  const disk = new MemoryStorage({ ...emptyConfState, voters, learners });
  disk.append(terms.map((t, i) => entryOf(t, i + 1)));
  disk.setHardState({ term, vote, commit });
  return disk;
}

export function entryOf(term: number, index: number, data: Uint8Array = noBytes): Entry {
  return { term, index, type: 'normal', data };
}
