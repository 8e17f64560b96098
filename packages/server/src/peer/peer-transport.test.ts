import { type Message, newMessage } from '@kvorum/raft';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { silentLogger } from '../logging/logger.ts';
import { formatId } from '../membership/ids.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { IncomingState } from '../storage.ts';
import { MemoryNetwork } from '../testing/memory-network.ts';
import type { PeerHost } from './peer-host.ts';
import { PeerTransport } from './peer-transport.ts';
import { HOLD_BACK_MS } from './remote-peer.ts';

const CLUSTER = 77n;
const metadata = {
  index: 9,
  term: 2,
  confState: {
    voters: [1n, 2n],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  },
};

const urlOf = (id: bigint) => `http://m${id}:2380`;

/** Resolves when `holds`; what it waits for are turns of the loop, and timers of some milliseconds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** A member that writes down what it is told. */
class Station {
  readonly id: bigint;
  readonly received: Message[] = [];
  readonly unreachable: bigint[] = [];
  readonly gone = new Set<bigint>();
  readonly snapshots: string[] = [];
  readonly chunks: Buffer[] = [];
  readonly removed = new Set<bigint>();
  /** What is to be sent when its time has come. */
  readonly heldBack: (() => void)[] = [];
  readonly metrics = new Metrics({ detail: 'basic', serverVersion: '3.7.1' });
  readonly transport: PeerTransport;
  finished = 0;
  wasRemoved = false;
  /** What it sends when it is asked for its state. */
  state: Buffer[] = [];

  constructor(network: MemoryNetwork, id: bigint, clusterId = CLUSTER) {
    this.id = id;
    const { after } = systemClock;
    this.transport = new PeerTransport({
      clock: {
        ...systemClock,
        after: (delayMs, run) => {
          if (delayMs !== HOLD_BACK_MS) return after(delayMs, run);
          this.heldBack.push(run);
          return () => {};
        },
      },
      random: () => 0.5,
      dial: network.dialer(urlOf(id)),
      logger: silentLogger,
      metrics: this.metrics,
      peerUrls: [urlOf(id)],
    });
    this.transport.attach(this.#host(clusterId), new Map());
    network.listen(urlOf(id), (stream) => this.transport.accept(stream));
  }

  get series() {
    return this.metrics.peers.peer(formatId(this.id === 1n ? 2n : 1n));
  }

  send(message: Partial<Message> & { type: Message['type']; to: bigint }): void {
    this.transport.send({ ...newMessage(message.type, message.to), from: this.id, ...message });
  }

  #host(clusterId: bigint): PeerHost {
    return {
      memberId: this.id,
      clusterId,
      members: () => [1n, 2n].map((id) => ({ id, peerUrls: [urlOf(id)] })),
      isRemoved: (id) => this.removed.has(id),
      step: (message) => this.received.push(message),
      reportUnreachable: (id) => this.unreachable.push(id),
      reportGone: (id) => this.gone.add(id),
      reportSnapshot: (_id, outcome) => this.snapshots.push(outcome),
      stateToSend: () => ({ metadata, chunks: this.#chunks() }),
      receiveState: async () => this.#incoming(),
      methods: new Map([['/kvorum.Peer/Echo', async (request) => request]]),
      onRemoved: () => {
        this.wasRemoved = true;
      },
      onFailure: (error) => {
        throw error;
      },
    };
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    yield* this.state;
  }

  #incoming(): IncomingState {
    const push = (chunk: Uint8Array) => this.chunks.push(Buffer.from(chunk));
    return {
      writer: { push } as unknown as IncomingState['writer'],
      finish: async () => {
        this.finished += 1;
      },
      abort: async () => {},
    };
  }
}

describe('the transport between members', () => {
  let stations: Station[] = [];
  afterEach(async () => {
    for (const station of stations) await station.transport.close();
    stations = [];
  });

  function pair(clusterIds: readonly [bigint, bigint] = [CLUSTER, CLUSTER]) {
    const network = new MemoryNetwork();
    stations = [new Station(network, 1n, clusterIds[0]), new Station(network, 2n, clusterIds[1])];
    const [one, two] = stations as [Station, Station];
    return { network, one, two };
  }

  async function connected() {
    const all = pair();
    await until(() => all.one.series.isActive === 1 && all.two.series.isActive === 1);
    return all;
  }

  it('brings what it is given, in order, each kind on its own stream', async () => {
    const { one, two } = await connected();
    const entry = { term: 3, index: 8, type: 'normal' as const, data: Buffer.from('x') };
    one.send({
      type: 'MsgApp',
      to: 2n,
      term: 3,
      index: 7,
      logTerm: 3,
      commit: 7,
      entries: [entry],
    });
    one.send({ type: 'MsgHeartbeat', to: 2n, term: 3, commit: 7 });
    await until(() => two.received.length === 2);
    const [app] = two.received.filter(({ type }) => type === 'MsgApp');
    expect(app?.entries.map(({ data }) => Buffer.from(data).toString())).toEqual(['x']);
    two.send({ type: 'MsgAppResp', to: 1n, term: 3, index: 8 });
    await until(() => one.received.length === 1);
    expect(one.received[0]).toMatchObject({ type: 'MsgAppResp', from: 2n, to: 1n, index: 8 });
  });

  it('acknowledges once what is acknowledged twice in a turn', async () => {
    const { one, two } = await connected();
    for (const index of [5, 6, 7]) one.send({ type: 'MsgAppResp', to: 2n, term: 3, index });
    one.send({ type: 'MsgAppResp', to: 2n, term: 3, index: 7, reject: true });
    await until(() => two.received.length === 2);
    expect(two.received.map(({ index, reject }) => [index, reject])).toEqual([
      [7, false],
      [7, true],
    ]);
  });

  it('holds back the news of a commit that nobody waits for', async () => {
    const { one, two } = await connected();
    const news = { type: 'MsgApp', to: 2n, term: 3, index: 7, logTerm: 3, commit: 7 } as const;
    const entry = { term: 3, index: 8, type: 'normal' as const, data: Buffer.from('x') };
    one.send(news);
    await one.transport.call(2n, '/kvorum.Peer/Echo', Buffer.from('there?'), 5000);
    expect([two.received.length, one.heldBack.length]).toEqual([0, 1]);
    one.heldBack.pop()?.();
    await until(() => two.received.length === 1);
    // Entries take it along.
    one.send({ ...news, commit: 6 });
    one.send({ ...news, entries: [entry] });
    await until(() => two.received.length === 2);
    expect(two.received[1]).toMatchObject({ commit: 7, entries: [{ index: 8 }] });
    // So does what keeps the cluster alive, or a read would wait for it.
    one.send({ ...news, index: 8, commit: 8 });
    one.send({ type: 'MsgHeartbeat', to: 2n, term: 3 });
    await until(() => two.received.length === 4);
  });

  it('brings the news of a commit at once to a member that has callers', async () => {
    const { one, two } = await connected();
    const entry = { term: 0, index: 0, type: 'normal' as const, data: Buffer.from('x') };
    two.send({ type: 'MsgProp', to: 1n, term: 3, entries: [entry] });
    await until(() => one.received.length === 1);
    one.send({ type: 'MsgApp', to: 2n, term: 3, index: 7, logTerm: 3, commit: 7 });
    await until(() => two.received.length === 1);
    expect(one.heldBack.length).toBe(0);
  });

  it('holds back an acknowledgement that repeats one', async () => {
    const { one, two } = await connected();
    const acknowledge = (index: number, term = 3) =>
      one.send({ type: 'MsgAppResp', to: 2n, term, index });
    acknowledge(7);
    await until(() => two.received.length === 1);
    acknowledge(7);
    await one.transport.call(2n, '/kvorum.Peer/Echo', Buffer.from('there?'), 5000);
    expect([two.received.length, one.heldBack.length]).toEqual([1, 1]);
    acknowledge(8);
    await until(() => two.received.length === 2);
    // In another term it says something else.
    acknowledge(8, 4);
    await until(() => two.received.length === 3);
    expect(two.received.map(({ term, index }) => [term, index])).toEqual([
      [3, 7],
      [3, 8],
      [4, 8],
    ]);
  });

  it('drops what can not be sent, says so, and finds the member again', async () => {
    const { network, one, two } = await connected();
    network.breakOff(urlOf(2n));
    await until(() => one.series.isActive === 0);
    const entry = { term: 4, index: 1, type: 'normal' as const, data: Buffer.from('x') };
    one.send({ type: 'MsgApp', to: 2n, term: 3, entries: [entry] });
    await until(() => one.unreachable.includes(2n) && one.series.sentFailures === 1);
    await until(() => one.series.isActive === 1);
    one.send({ type: 'MsgApp', to: 2n, term: 4, entries: [entry] });
    await until(() => two.received.length === 1);
    expect(one.series.disconnects).toBe(1);
  });

  it('says that a member has ended when nobody listens there, and it has no connection open', async () => {
    const { network, one, two } = await connected();
    // Its listener was opened after the first call.
    one.gone.clear();
    const { refusedCount } = network;
    network.close(urlOf(2n));
    await until(() => network.refusedCount >= refusedCount + 2);
    expect(one.gone).toEqual(new Set());
    await two.transport.close();
    await until(() => one.gone.has(2n));
  });

  it('lets nobody in from another cluster', async () => {
    const { one, two } = pair([CLUSTER, 78n]);
    one.send({ type: 'MsgHeartbeat', to: 2n });
    await until(() => one.unreachable.length > 0 && two.unreachable.length > 0);
    expect([one.series.isActive, two.series.isActive, two.received.length]).toEqual([0, 0, 0]);
  });

  it('tells a removed member that it was removed, on the streams that it has open', async () => {
    const { one, two } = await connected();
    one.removed.add(2n);
    one.transport.membershipChanged();
    await until(() => two.wasRemoved);
  });

  it('asks and answers', async () => {
    const { one } = await connected();
    const answer = await one.transport.call(2n, '/kvorum.Peer/Echo', Buffer.from('why'), 5000);
    expect(Buffer.from(answer).toString()).toBe('why');
    await expect(one.transport.call(9n, '/kvorum.Peer/Echo', Buffer.of(1), 5000)).rejects.toThrow(
      'no way to member 9',
    );
  });

  it('sends a state, and takes it up where a connection broke off', async () => {
    const { network, one, two } = await connected();
    one.state = Array.from({ length: 200 }, (_, i) => Buffer.alloc(10_000, i));
    one.send({ type: 'MsgSnap', to: 2n, term: 5 });
    await until(() => two.chunks.length >= 50);
    network.breakOff(urlOf(2n));
    await until(() => one.snapshots.length === 1);
    expect(one.snapshots).toEqual(['finish']);
    // No chunk came twice, and none is missing.
    expect(two.chunks.map((chunk) => chunk[0])).toEqual(one.state.map((chunk) => chunk[0]));
    expect(two.finished).toBe(1);
    const snap = two.received.find(({ type }) => type === 'MsgSnap');
    expect(snap).toMatchObject({ from: 1n, term: 5, snapshot: { metadata } });
  });
});
