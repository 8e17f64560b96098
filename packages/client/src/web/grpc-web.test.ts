import { grpcStatus } from '@kvorum/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallFailure } from '../channel.ts';
import { FrameReader, frameMessages, statusIn, statusOfHttp, timeoutHeader } from './grpc-web.ts';

const trailersFrame = (text: string) => {
  const frame = frameMessages([new TextEncoder().encode(text)]);
  frame[0] = 0x80;
  return frame;
};

/** What a reader makes of bytes that come in these chunks. */
function read(chunks: readonly Uint8Array[], maxBytes = 1000) {
  const messages: Uint8Array[] = [];
  const trailers: [string, string][] = [];
  const reader = new FrameReader(maxBytes, {
    onMessage: (message) => messages.push(message),
    onTrailers: (fields) => trailers.push(...fields),
  });
  for (const chunk of chunks) reader.push(chunk);
  return { messages, trailers, isCut: reader.isCut };
}

/** The same bytes, cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe('the frames of gRPC-Web', () => {
  it('are read as they were written, however they are cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 50 }));
    fc.assert(
      fc.property(messages, fc.array(fc.nat(1000)), (written, places) => {
        const bytes = [...frameMessages(written), ...trailersFrame('grpc-status: 0\r\n')];
        const found = read(cut(Uint8Array.from(bytes), places));
        expect(found).toEqual({
          messages: written,
          trailers: [['grpc-status', '0']],
          isCut: false,
        });
      }),
    );
  });

  it('say when they end too early', () => {
    const frame = frameMessages([Uint8Array.of(1, 2)]);
    expect(read([frame.subarray(0, 6)])).toEqual({ messages: [], trailers: [], isCut: true });
    expect(read([frame.subarray(0, 3)]).isCut).toBe(true);
  });

  it('are refused when a message is larger than is taken', () => {
    expect(() => read([frameMessages([new Uint8Array(11)])], 10)).toThrow(/11 vs\. 10/);
  });

  it('are refused when they are compressed, which nobody asked for', () => {
    const frame = frameMessages([Uint8Array.of(1)]);
    frame[0] = 1;
    expect(() => read([frame])).toThrow(/flag 0x1/);
  });

  it('hold trailers with names in any case', () => {
    const text = 'Grpc-Status: 5\r\ngrpc-message:a: b\r\nno colon\r\n';
    expect(read([trailersFrame(text)]).trailers).toEqual([
      ['grpc-status', '5'],
      ['grpc-message', 'a: b'],
    ]);
  });
});

describe('the status of a call', () => {
  const of = (fields: Record<string, string>) => statusIn((name) => fields[name]);

  it.each([
    [{}, 'none'],
    [{ 'grpc-status': '0' }, 'ok'],
    [{ 'grpc-status': '9', 'grpc-message': 'caf%C3%A9' }, new CallFailure(9, 'café', false)],
    [{ 'grpc-status': '9', 'grpc-message': '100%' }, new CallFailure(9, '100%', false)],
    [{ 'grpc-status': 'x' }, new CallFailure(grpcStatus.unknown, '', false)],
  ])('is read from %j', (fields, status) => {
    expect(of(fields)).toEqual(status);
  });

  it('follows from that of HTTP where there is no other', () => {
    expect(statusOfHttp(503)).toBe(grpcStatus.unavailable);
    expect(statusOfHttp(418)).toBe(grpcStatus.unknown);
  });
});

describe('the time that a call may take', () => {
  it.each([
    [0.4, '1m'],
    [1500, '1500m'],
    [100_000_000, '100000S'],
    [1e15, '99999999S'],
  ])('of %d ms is %s', (timeoutMs, text) => {
    expect(timeoutHeader(timeoutMs)).toBe(text);
  });
});
