import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameType, SettingId, writeUint32 } from '../frames.ts';
import { settingsPayload } from '../settings.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';
import type { GrpcMethod, StreamCall } from './types.ts';

/** What a handler sends next: on which of its calls, and how long a message. */
type Send = readonly [call: number, bytes: number];

const streamIds = [1, 3, 5] as const;

const plans = fc.record({
  windowBytes: fc.integer({ min: 0, max: 40_000 }),
  maxFrameBytes: fc.integer({ min: 16_384, max: 20_000 }),
  /** Each turn's sends; between turns the peer opens all windows by as much. */
  turns: fc.array(
    fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: streamIds.length - 1 }),
        fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 })),
      ),
      { maxLength: 120 },
    ),
    { minLength: 1, maxLength: 4 },
  ),
  openBytes: fc.integer({ min: 1, max: 30_000 }),
});

/** A message that says which one it is. */
function messageOf(serial: number, bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(serial & 0xff);
}

function windowUpdate(bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, bytes);
  return payload;
}

describe('messages of several streams', () => {
  it('share frames with those of their stream only, within every window, in order', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ windowBytes, maxFrameBytes, turns, openBytes }) => {
        const calls: StreamCall[] = [];
        const method: GrpcMethod = {
          kind: 'stream',
          open: (call) => {
            calls.push(call);
            return { onMessage: () => {}, onHalfClose: () => {}, onAbort: () => {} };
          },
        };
        const harness = new ServerHarness({
          methods: new Map([['/test.Echo/Many', method]]),
          limits: { pingMinIntervalMs: 0 },
        });
        const { peer } = harness;
        peer.greet(
          settingsPayload([
            [SettingId.initialWindowSize, windowBytes],
            [SettingId.maxFrameSize, maxFrameBytes],
          ]),
        );
        for (const id of streamIds) peer.sendHeaders(id, callFields('Many'));
        await peer.roundTrip(1);
        const wanted: Uint8Array[][] = streamIds.map(() => []);
        const send = ([call, bytes]: Send, serial: number): void => {
          const message = messageOf(serial, bytes);
          wanted[call]?.push(framed(message));
          calls[call]?.send(message);
        };
        const isKept = (): void => {
          const all = peer.frames.filter(({ type }) => type === FrameType.data);
          const bytesOf = (id?: number): number =>
            all.reduce(
              (sum, f) => sum + ((id ?? f.streamId) === f.streamId ? f.payload.length : 0),
              0,
            );
          for (const { payload } of all) expect(payload.length).toBeLessThanOrEqual(maxFrameBytes);
          for (const id of streamIds) expect(bytesOf(id)).toBeLessThanOrEqual(windowBytes + opened);
          expect(bytesOf()).toBeLessThanOrEqual(65_535 + opened);
        };
        let opened = 0;
        let round = 2;
        const open = async (bytes: number): Promise<void> => {
          for (const id of [0, ...streamIds]) {
            peer.send(FrameType.windowUpdate, 0, id, windowUpdate(bytes));
          }
          opened += bytes;
          await peer.roundTrip(round++);
          isKept();
        };
        for (const turn of turns) {
          turn.forEach(send);
          await peer.roundTrip(round++);
          isKept();
          await open(openBytes);
        }
        await open(100_000_000);
        streamIds.forEach((id, call) => {
          const got = peer.frames.filter((f) => f.type === FrameType.data && f.streamId === id);
          const bytes = Buffer.concat(got.map(({ payload }) => payload));
          expect(bytes.equals(Buffer.concat(wanted[call] ?? []))).toBe(true);
        });
        harness.server.close();
      }),
      { numRuns: 60 },
    );
  });
});
