import { type MemberId, MemoryStorage, type Message, newMessage, RawNode } from '@kvorum/raft';
import { describe, expect, it } from 'vitest';
import { type LogStorage, NodeLoop } from './node-loop.ts';
import { SimClock, SimTime } from './testing/index.ts';

/** A log in memory whose disk takes its time, and that counts its syncs. */
class CountingLog implements LogStorage {
  readonly memory = new MemoryStorage({
    voters: [1n, 2n, 3n],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  });
  readonly #clock: SimClock;
  syncMs = 0.1;
  inPlace = 0;
  inPool = 0;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  append({ hardState, entries }: Parameters<LogStorage['append']>[0]): void {
    if (hardState !== undefined) this.memory.setHardState(hardState);
    this.memory.append(entries);
  }

  syncNow(): void {
    this.inPlace += 1;
    this.#clock.holdUp(this.syncMs);
  }

  sync(): Promise<void> {
    this.inPool += 1;
    return new Promise((resolve) => this.#clock.after(this.syncMs, resolve));
  }
}

/** Member 1 of three; the test plays the others. */
class Member {
  readonly time = new SimTime();
  readonly sent: Message[] = [];
  readonly log: CountingLog;
  readonly node: RawNode;
  readonly loop: NodeLoop;

  constructor() {
    const clock = new SimClock(this.time);
    this.log = new CountingLog(clock);
    this.node = new RawNode({
      id: 1n,
      storage: this.log.memory,
      electionTicks: 10,
      heartbeatTicks: 1,
      random: () => 0.5,
      asyncStorageWrites: true,
    });
    this.loop = new NodeLoop({
      node: this.node,
      log: this.log,
      sink: { appliedIndex: 0, apply: () => {}, install: async () => {} },
      outbox: { send: (message) => this.sent.push(message) },
      canReadLocally: () => false,
      isAlone: () => false,
      upkeep: () => {},
      clock,
      random: () => 0.5,
      requestTimeoutMs: 7000,
      onFatal: (error) => {
        throw error;
      },
    });
  }

  async hear(type: Message['type'], from: MemberId, rest: Partial<Message>): Promise<void> {
    this.loop.step({ ...newMessage(type, 1n), from, term: 1, ...rest });
    await this.time.run(20);
  }

  /** Brings one entry more from member 2, which leads. */
  async append(): Promise<void> {
    const index = this.log.memory.lastIndex();
    const entry = { term: 1, index: index + 1, type: 'normal' as const, data: new Uint8Array(8) };
    const logTerm = index === 0 ? 0 : 1;
    await this.hear('MsgApp', 2n, { index, logTerm, entries: [entry] });
  }
}

describe('a member of a cluster', () => {
  it('waits for its disk when it follows and the disk has been quick lately', async () => {
    const member = new Member();
    const { log } = member;
    for (let i = 0; i < 32; i++) await member.append();
    expect([log.inPool, log.inPlace]).toEqual([32, 0]);
    for (let i = 0; i < 10; i++) await member.append();
    expect([log.inPool, log.inPlace]).toEqual([32, 10]);
    log.syncMs = 8;
    // The first slow one can't be foreseen.
    for (let i = 0; i < 10; i++) await member.append();
    expect([log.inPool, log.inPlace]).toEqual([41, 11]);
    const acknowledged = member.sent.filter(({ type }) => type === 'MsgAppResp');
    expect(acknowledged.map(({ index }) => index)).toEqual(
      Array.from({ length: 52 }, (_, i) => i + 1),
    );
    await member.loop.stop();
  });

  it('never waits for it when it leads: its heartbeats go on', async () => {
    const member = new Member();
    const { log, node } = member;
    for (let i = 0; i < 40; i++) await member.append();
    node.campaign();
    member.loop.wake();
    await member.time.run(20);
    await member.hear('MsgPreVoteResp', 3n, { term: 2 });
    await member.hear('MsgVoteResp', 3n, { term: 2 });
    expect(node.role).toBe('leader');
    const before = log.inPlace;
    for (let i = 0; i < 40; i++) {
      node.propose([new Uint8Array(8)]);
      member.loop.wake();
      await member.time.run(20);
    }
    expect(log.inPlace).toBe(before);
    await member.loop.stop();
  });
});
