import { describe, expect, it } from 'vitest';
import { FrameType } from './frames.ts';
import { Gathering } from './gathering.ts';
import { noStats } from './grpc/server.ts';
import type { GrpcMethod, StreamCall, UnaryCall } from './grpc/types.ts';
import { callFields, framed, ServerHarness } from './testing/server-harness.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns after which a connection has surely learned what waiting brings. */
const learningTurns = 100;

/** A server that says of every write how many bytes it had, and two streams and a unary call of it to play with. */
class Sending {
  readonly writes: number[] = [];
  readonly harness: ServerHarness;
  readonly streams: StreamCall[] = [];
  unary: UnaryCall | undefined;

  constructor(gatherBytes?: number) {
    const stream: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        this.streams.push(call);
        return { onMessage: () => {}, onHalfClose: () => {}, onAbort: () => {} };
      },
    };
    const unary: GrpcMethod = {
      kind: 'unary',
      handle: (_request, call) => {
        this.unary = call;
      },
    };
    this.harness = new ServerHarness({
      methods: new Map<string, GrpcMethod>([
        ['/test.Echo/Many', stream],
        ['/test.Echo/Later', unary],
      ]),
      stats: { ...noStats, bytesSent: (bytes) => this.writes.push(bytes) },
      ...(gatherBytes === undefined ? {} : { limits: { gatherBytes } }),
    });
  }

  async open(): Promise<void> {
    const { peer } = this.harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Many'));
    peer.sendHeaders(3, callFields('Many'));
    peer.sendHeaders(5, callFields('Later'));
    peer.send(FrameType.data, 1, 5, framed('question'));
    await peer.roundTrip(1);
    for (const call of this.streams) call.send(Buffer.from('first'));
    await nextTurn();
    this.writes.length = 0;
  }

  /** Sends a message on each stream, all of one turn. */
  send(text: string): void {
    for (const call of this.streams) call.send(Buffer.from(text));
  }

  /** So many turns, each with messages. */
  async turns(count: number, each: (turn: number) => void = () => {}): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      this.send(`message ${turn}`);
      each(turn);
      await nextTurn();
    }
  }

  /** What has come on a stream. */
  received(streamId: number): Buffer {
    const { frames } = this.harness.peer;
    const data = frames.filter((f) => f.type === FrameType.data && f.streamId === streamId);
    return Buffer.concat(data.map(({ payload }) => payload));
  }
}

describe('messages of streams', () => {
  it('share a write with those of the next turn, where every turn has some', async () => {
    const sending = new Sending();
    await sending.open();
    await sending.turns(learningTurns);
    sending.writes.length = 0;
    await sending.turns(100);
    expect(sending.writes.length).toBeLessThanOrEqual(51);
    await sending.harness.peer.roundTrip(2);
    const turnsTexts = [...Array(learningTurns).keys(), ...Array(100).keys()];
    const wanted = ['first', ...turnsTexts.map((turn) => `message ${turn}`)].map((t) => framed(t));
    for (const id of [1, 3]) expect(sending.received(id)).toEqual(Buffer.concat(wanted));
    sending.harness.server.close();
  });

  it('leave with their turn where the next one has none, but for one in 64', async () => {
    const sending = new Sending();
    await sending.open();
    let late = 0;
    for (let message = 0; message < 650; message++) {
      sending.send('alone');
      await Promise.resolve();
      if (sending.writes.length <= message) late += 1;
      await nextTurn();
      await nextTurn();
      expect(sending.writes.length).toBe(message + 1);
    }
    expect(late).toBe(10);
    sending.harness.server.close();
  });

  it('leave with their turn where turns are slow', async () => {
    const sending = new Sending();
    await sending.open();
    await sending.turns(640, () => sending.harness.clock.jump(1));
    expect(sending.writes.length).toBeGreaterThanOrEqual(630);
    sending.harness.server.close();
  });

  it('leave with their turn when there are many bytes of them, or gathering is off', async () => {
    for (const gatherBytes of [40, 0]) {
      const sending = new Sending(gatherBytes);
      await sending.open();
      await sending.turns(2 * learningTurns);
      expect(sending.writes.length).toBe(2 * learningTurns);
      sending.harness.server.close();
    }
  });

  it('are taken along by whatever does not wait', async () => {
    const sending = new Sending();
    await sending.open();
    await sending.turns(learningTurns);
    if (sending.writes.length % 2 === 0) await sending.turns(1);
    sending.writes.length = 0;
    sending.send('held');
    await Promise.resolve();
    expect(sending.writes).toEqual([]);
    sending.unary?.reply(Buffer.from('answer'));
    await Promise.resolve();
    expect(sending.writes.length).toBe(1);
    const { peer } = sending.harness;
    await peer.find(({ type, streamId }) => type === FrameType.data && streamId === 5);
    expect(sending.received(3).subarray(-9)).toEqual(framed('held'));
    sending.harness.server.close();
  });

  it('are not lost with a connection that ends while they wait', async () => {
    const sending = new Sending();
    await sending.open();
    await sending.turns(learningTurns);
    sending.send('held');
    sending.harness.server.close();
    await sending.harness.peer.ended();
    expect(sending.received(1).subarray(-9)).toEqual(framed('held'));
  });
});

describe('Gathering', () => {
  const turn = (gathering: Gathering, gathered: number): boolean => {
    const isHeld = gathering.begin(100);
    gathering.end(100 + gathered, false);
    return isHeld;
  };

  it('rests for longer after each hold that brought nothing, and no longer than 64 turns', () => {
    const gathering = new Gathering(1000);
    const restOf = (gathered: number): number => {
      for (let rest = 0; ; rest++) if (turn(gathering, gathered)) return rest;
    };
    expect(restOf(1)).toBe(64);
    expect([restOf(1), restOf(1)]).toEqual([0, 0]);
    const rests = Array.from({ length: 9 }, () => restOf(0));
    expect(rests).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 64]);
  });

  it('does not hold nothing, nor count a turn that has left nothing', () => {
    const gathering = new Gathering(1000);
    for (let i = 0; i < 100; i++) expect(gathering.begin(0)).toBe(false);
    for (let i = 0; i < 64; i++) expect(turn(gathering, 0)).toBe(false);
    expect(gathering.begin(0)).toBe(false);
    expect(gathering.begin(1)).toBe(true);
  });
});
