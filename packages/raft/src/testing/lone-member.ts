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
}

/**
 * Member 1 of a group whose other members are played by the test: what it sends is collected, what it gets is
 * written by hand.
 */
export class LoneMember {
  readonly storage: MemoryStorage;
  readonly node: RawNode;
  /** What it has sent since the last `take`. */
  #sent: Message[] = [];
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];

  constructor(start: LoneStart = {}) {
    const { voters = [1n, 2n, 3n], learners = [], terms = [], ...rest } = start;
    const { term = 0, vote = 0n, commit = 0, ...config } = rest;
    this.storage = new MemoryStorage({ ...emptyConfState, voters, learners });
    this.storage.append(terms.map((t, i) => entryOf(t, i + 1)));
    this.storage.setHardState({ term, vote, commit });
    this.node = new RawNode({
      id: 1n,
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
      this.applied.push(...ready.committedEntries);
      this.reads.push(...ready.readStates);
      this.node.advance();
    }
  }

  /** Gets a message of that type, by default in the member's own term, and carries out what follows from it. */
  get(type: MessageType, from: MemberId, fields: Partial<Message> = {}): void {
    this.node.step({ ...newMessage(type, 1n), from, term: this.node.term, ...fields });
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

export function entryOf(term: number, index: number, data: Uint8Array = noBytes): Entry {
  return { term, index, type: 'normal', data };
}
