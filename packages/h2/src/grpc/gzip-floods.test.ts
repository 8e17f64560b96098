import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType } from '../frames.ts';
import type { RawFrame } from '../testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';

const megabyte = 1024 * 1024;

/** A gzipped call on each of these streams, as many as given. */
function flood(harness: ServerHarness, message: Uint8Array, count: number, first = 1): void {
  const { peer } = harness;
  const body = framed(gzipSync(message), 1);
  for (let id = first; id < first + 2 * count; id += 2) {
    peer.sendHeaders(id, [...callFields('Metadata'), ['grpc-encoding', 'gzip']]);
    for (let at = 0; at < body.length; at += 16_000) {
      peer.send(FrameType.data, 0, id, body.subarray(at, at + 16_000));
    }
    peer.send(FrameType.data, Flag.endStream, id, []);
  }
}

describe('gzipped messages', () => {
  it('that grow out of next to nothing end the connection when they are many', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    flood(harness, Buffer.alloc(2 * megabyte), 20);
    expect((await harness.goaway())?.code).toBe(ErrorCode.enhanceYourCalm);
    expect(harness.errors.map(({ code }) => code)).toEqual(['limit']);
  });

  it('of the same kind are borne now and then', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    for (let round = 0; round < 10; round++) {
      flood(harness, Buffer.alloc(2 * megabyte), 3, 1 + 6 * round);
      await harness.end(5 + 6 * round);
      harness.clock.advance(1500);
    }
    expect(harness.errors).toEqual([]);
  });

  it('that are what they seem may be as many as there are', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    const text = Array.from({ length: 20_000 }, (_, i) => `${(i * 7919) % 10_007} `).join('');
    flood(harness, Buffer.from(text), 200);
    await harness.end(399);
    expect(harness.errors).toEqual([]);
  });

  it('go out plain once many have been made', async () => {
    const harness = new ServerHarness({
      limits: { deflateBurstBytes: 10_000, deflateBytesPerSecond: 1000 },
    });
    const { peer } = harness;
    peer.greet();
    const body = framed(Buffer.alloc(4000));
    const call = async (id: number): Promise<number | undefined> => {
      peer.sendHeaders(id, [...callFields(), ['grpc-encoding', 'gzip']]);
      peer.send(FrameType.data, Flag.endStream, id, body);
      await harness.end(id);
      const isData = (frame: RawFrame): boolean =>
        frame.type === FrameType.data && frame.streamId === id;
      return peer.frames.find(isData)?.payload.readUInt8();
    };
    expect([await call(1), await call(3), await call(5)]).toEqual([1, 1, 0]);
    harness.clock.advance(3000);
    expect(await call(7)).toBe(1);
  });
});
