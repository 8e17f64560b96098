import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, SettingId } from '../frames.ts';
import { settingsPayload } from '../settings.ts';
import { ClientHarness, failureOf, okFields } from '../testing/client-harness.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { framed } from '../testing/server-harness.ts';
import type { CallStatus } from './call-status.ts';
import type { ClientReceiver } from './client-types.ts';
import { Status } from './status.ts';

const path = '/test.Echo/Stream';
const uint32 = (value: number): number[] => [value >>> 24, value >>> 16, value >>> 8, value];
const goaway = (lastStreamId: number): number[] => [...uint32(lastStreamId), ...uint32(0)];

function refuse(server: FramePeer, streamId: number): void {
  server.send(FrameType.rstStream, 0, streamId, uint32(ErrorCode.refusedStream));
}

/** All DATA of a stream, once it has ended. */
async function bodyOf(server: FramePeer, streamId: number): Promise<Buffer> {
  const isEnd = (frame: { type: number; streamId: number; flags: number }): boolean =>
    frame.type === FrameType.data && frame.streamId === streamId && (frame.flags & 1) === 1;
  await server.find(isEnd);
  const data = server.frames.filter((frame) => {
    return frame.type === FrameType.data && frame.streamId === streamId;
  });
  return Buffer.concat(data.map(({ payload }) => payload));
}

function record(): { receiver: ClientReceiver; messages: string[]; ended: Promise<CallStatus> } {
  const messages: string[] = [];
  let end: (status: CallStatus) => void = () => {};
  const ended = new Promise<CallStatus>((resolve) => {
    end = resolve;
  });
  const receiver: ClientReceiver = {
    onMessage: (message) => messages.push(Buffer.from(message).toString()),
    onEnd: (status) => end(status),
  };
  return { receiver, messages, ended };
}

describe('a call that the server has not looked at', () => {
  it('is sent again when its stream was refused', async () => {
    const harness = new ClientHarness();
    const call = harness.call('hello');
    refuse(await harness.serverOf(1), 1);
    const server = await harness.serverOf(3);
    expect(await bodyOf(server, 3)).toEqual(framed('hello'));
    harness.answer(server, 3);
    expect(Buffer.from(await call).toString()).toBe('yes');
    expect(harness.servers.length).toBe(1);
  });

  it('is sent again on another connection when the server went away before', async () => {
    const harness = new ClientHarness();
    const call = harness.call('hello');
    (await harness.serverOf(1)).send(FrameType.goaway, 0, 0, goaway(0));
    const server = await harness.serverOf(1, 1);
    expect(await bodyOf(server, 1)).toEqual(framed('hello'));
    harness.answer(server, 1);
    expect(Buffer.from(await call).toString()).toBe('yes');
  });

  it('is sent again once, and then fails as one that may be repeated', async () => {
    const harness = new ClientHarness();
    const call = failureOf(harness.call());
    refuse(await harness.serverOf(1), 1);
    refuse(await harness.serverOf(3), 3);
    expect(await call).toMatchObject({ status: Status.unavailable, isUnprocessed: true });
    const other = failureOf(harness.call());
    refuse(await harness.serverOf(5), 5);
    (await harness.serverOf(7)).send(FrameType.goaway, 0, 0, goaway(5));
    expect(await other).toMatchObject({ status: Status.unavailable, isUnprocessed: true });
  });

  it('tells the time that is left', async () => {
    const harness = new ClientHarness();
    const call = harness.client.unary(path, Buffer.from('x'), { timeoutMs: 5000 });
    const server = await harness.serverOf(1);
    harness.clock.advance(2000);
    refuse(server, 1);
    await harness.serverOf(3);
    const heads = server.frames.filter(({ type }) => type === FrameType.headers);
    const timeouts = heads.map((frame) => server.decode(frame).get('grpc-timeout'));
    expect(timeouts).toEqual(['5000000u', '3000000u']);
    harness.answer(server, 3);
    await call;
  });

  it('takes its messages along when it is a stream', async () => {
    const harness = new ClientHarness();
    const { receiver, messages, ended } = record();
    const stream = harness.client.stream(path, receiver);
    stream.send(Buffer.from('one'));
    const server = await harness.serverOf(1);
    stream.send(Buffer.from('two'));
    refuse(server, 1);
    await harness.serverOf(3);
    stream.send(Buffer.from('three'));
    stream.halfClose();
    expect(await bodyOf(server, 3)).toEqual(
      Buffer.concat([framed('one'), framed('two'), framed('three')]),
    );
    harness.answer(server, 3);
    expect((await ended).status).toBe(Status.ok);
    expect(messages).toEqual(['yes']);
  });

  it('is not sent again when it is a stream with more messages than are kept', async () => {
    const harness = new ClientHarness({ limits: { streamSendHighWaterBytes: 1000 } });
    const { receiver, ended } = record();
    const stream = harness.client.stream(path, receiver);
    const server = await harness.serverOf(1);
    stream.send(Buffer.alloc(600));
    stream.send(Buffer.alloc(600));
    refuse(server, 1);
    expect(await ended).toMatchObject({ status: Status.unavailable, isUnprocessed: true });
  });

  it('is told of by nothing else: what was answered is not sent again', async () => {
    const harness = new ClientHarness();
    const call = failureOf(harness.call());
    const server = await harness.serverOf(1);
    server.sendHeaders(1, okFields);
    refuse(server, 1);
    expect(await call).toMatchObject({ status: Status.unavailable });
    const other = failureOf(harness.call());
    await harness.serverOf(3);
    server.hangUp();
    expect(await other).toMatchObject({ status: Status.unavailable, isUnprocessed: false });
    expect(server.frames.filter(({ type }) => type === FrameType.headers).length).toBe(2);
  });
});

describe('calls beyond what the server takes', () => {
  it('wait their turn on the one connection when they are too many', async () => {
    const settings = settingsPayload([[SettingId.maxConcurrentStreams, 1]]);
    const harness = new ClientHarness({}, settings);
    const calls = [harness.call('a'), harness.call('b'), harness.call('c')];
    for (const id of [1, 3, 5]) {
      const server = await harness.serverOf(id);
      const heads = server.frames.filter(({ type }) => type === FrameType.headers);
      expect(heads.at(-1)?.streamId).toBe(id);
      harness.answer(server, id, String(id));
    }
    const replies = await Promise.all(calls);
    expect(replies.map((reply) => Buffer.from(reply).toString())).toEqual(['1', '3', '5']);
    expect(harness.servers.length).toBe(1);
  });

  it('fail unsent when their headers are too large', async () => {
    const settings = settingsPayload([[SettingId.maxHeaderListSize, 1000]]);
    const harness = new ClientHarness({}, settings);
    const metadata: [string, string][] = [['token', 'x'.repeat(1000)]];
    const call = harness.client.unary(path, Buffer.from('x'), { metadata });
    expect(await failureOf(call)).toMatchObject({
      status: Status.internal,
      message: 'header list size to send violates the maximum size (1000 bytes) set by server',
      isUnprocessed: true,
    });
    const exchange = harness.client.exchange({ method: 'GET', path: '/', headers: metadata });
    expect(await failureOf(exchange)).toMatchObject({ status: Status.internal });
    const next = harness.call();
    harness.answer(await harness.serverOf(1), 1);
    expect(Buffer.from(await next).toString()).toBe('yes');
  });

  it('end when a stream piles up messages without heed', async () => {
    const limits = { streamSendHighWaterBytes: 1000, maxStreamSendBytes: 10_000 };
    const harness = new ClientHarness({ limits });
    const waiting = record();
    const stream = harness.client.stream(path, waiting.receiver);
    for (let i = 0; i < 20; i++) stream.send(Buffer.alloc(1000));
    expect((await waiting.ended).status).toBe(Status.resourceExhausted);
    const running = record();
    const other = harness.client.stream(path, running.receiver);
    const server = await harness.serverOf(1);
    for (let i = 0; i < 100; i++) other.send(Buffer.alloc(1000));
    expect((await running.ended).status).toBe(Status.resourceExhausted);
    expect(server.isEnded).toBe(false);
  });
});

describe('gzip', () => {
  const text = 'z'.repeat(5000);

  it('is said to be welcome, and used for what it makes smaller when asked for', async () => {
    const harness = new ClientHarness();
    const call = harness.client.unary(path, Buffer.from(text), { gzip: true });
    const server = await harness.serverOf(1);
    const body = await bodyOf(server, 1);
    const head = server.frames.find(({ type }) => type === FrameType.headers);
    const fields = head && server.decode(head);
    expect(fields?.get('grpc-encoding')).toBe('gzip');
    expect(fields?.get('grpc-accept-encoding')).toBe('identity,gzip');
    expect(body.readUInt8()).toBe(1);
    expect(body.length).toBeLessThan(200);
    server.sendHeaders(1, [...okFields, ['grpc-encoding', 'gzip']]);
    server.send(FrameType.data, 0, 1, body);
    server.sendHeaders(1, [['grpc-status', '0']], Flag.endStream);
    expect(Buffer.from(await call).toString()).toBe(text);
  });

  it.each([
    ['a flag that does not exist', 'gzip', 2, 'grpc: received unexpected payload format 2'],
    ['an unknown encoding', 'br', 1, 'grpc: Decompressor is not installed for grpc-encoding "br"'],
    ['no gzip', 'gzip', 1, 'grpc: failed to decompress the received message'],
    [
      'an encoding that was not announced',
      'identity',
      1,
      'grpc: compressed flag set with identity or empty encoding',
    ],
  ])('of a server that sends %s ends the call with INTERNAL', async (_, encoding, flag, text) => {
    const harness = new ClientHarness();
    const call = failureOf(harness.call());
    const server = await harness.serverOf(1);
    server.sendHeaders(1, [...okFields, ['grpc-encoding', encoding]]);
    server.send(FrameType.data, 0, 1, framed('x', flag));
    expect(await call).toMatchObject({ status: Status.internal, message: text });
  });
});
