import { describe, expect, it } from 'vitest';
import { clientPreface, ErrorCode, Flag, FrameType, SettingId } from '../frames.ts';
import { CallError } from '../grpc/call-status.ts';
import { GrpcClient } from '../grpc/client.ts';
import { Status } from '../grpc/status.ts';
import { settingsPayload } from '../settings.ts';
import { ClientHarness, failureOf, goawayCode, okFields } from '../testing/client-harness.ts';
import { connectionErrors, tolerated, uint32 } from '../testing/conformance.ts';
import { FramePeer } from '../testing/frame-peer.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { memoryDuplexPair } from '../testing/memory-duplex.ts';
import { framed } from '../testing/server-harness.ts';

/*
 * RFC 9113 §3 to §6, as far as only a client's peer can break it: the handshake, the life of streams,
 * pushes and GOAWAY.
 *
 * These bind only the one who sends:
 *   §3.4  a client's preface, and SETTINGS after it (here: `a client begins`)
 *   §5.1.1 identifiers are odd and grow; when they have run out another connection is made (client.test.ts)
 *   §6.8  no streams are opened after a GOAWAY (client-retry.test.ts)
 */

const protocol = 'protocolError';
const trailers: readonly (readonly [string, string])[] = [['grpc-status', '0']];

/** A complete answer to stream 1, which the client has not half-closed. */
function answer(peer: FramePeer): void {
  peer.sendHeaders(1, trailers, Flag.endStream);
}

connectionErrors(
  ['client'],
  [
    {
      rule: '5.1, 5.1.1',
      name: 'HEADERS on a stream that the client has not opened',
      code: protocol,
      act: (peer) => peer.sendHeaders(999, okFields),
    },
    {
      rule: '5.1.1, 8.4',
      name: 'HEADERS on a stream of the server',
      code: protocol,
      act: (peer) => peer.sendHeaders(2, okFields),
    },
    {
      rule: '6.5.2',
      name: 'SETTINGS_ENABLE_PUSH of 1',
      code: protocol,
      act: (peer) => {
        peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.enablePush, 1]]));
      },
    },
    {
      rule: '6.6, 8.4',
      name: 'PUSH_PROMISE, which was not allowed',
      code: protocol,
      act: (peer) => {
        const block = peer.encode([[':method', 'GET']]);
        const payload = Buffer.concat([uint32(2), block]);
        peer.send(FrameType.pushPromise, Flag.endHeaders, 1, payload);
      },
    },
  ],
);

tolerated(
  ['client'],
  [
    {
      rule: '5.1',
      name: 'frames under way on a stream that the client has reset',
      act: (peer) => {
        answer(peer);
        peer.send(FrameType.data, 0, 1, framed('x'));
        peer.send(FrameType.windowUpdate, 0, 1, uint32(1));
        peer.sendHeaders(1, trailers, Flag.endStream);
        peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.noError));
      },
    },
    {
      rule: '6.5.2',
      name: 'SETTINGS_ENABLE_PUSH of 0',
      act: (peer) => {
        peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.enablePush, 0]]));
      },
    },
    {
      rule: '6.2, 6.10',
      name: 'a block with padding, priority, and in many frames',
      act: (peer) => {
        const block = peer.encode([...trailers, ['x', 'y']]);
        const flags = Flag.endStream | Flag.padded | Flag.priority;
        const first = Buffer.from([2, 0, 0, 0, 0, 9, ...block.subarray(0, 2), 0, 0]);
        peer.send(FrameType.headers, flags, 1, first);
        peer.send(FrameType.continuation, 0, 1, []);
        peer.send(FrameType.continuation, Flag.endHeaders, 1, block.subarray(2));
      },
    },
  ],
);

describe('a stream that the server has ended', () => {
  async function closed(): Promise<{ harness: ClientHarness; server: FramePeer }> {
    const harness = new ClientHarness();
    const call = harness.call();
    const server = await harness.serverOf(1);
    harness.answer(server, 1);
    await call;
    return { harness, server };
  }

  it('§5.1: is reset when DATA follows, and nothing else', async () => {
    const { harness, server } = await closed();
    server.send(FrameType.data, 0, 1, framed('x'));
    const reset = await server.find(({ type }) => type === FrameType.rstStream);
    expect(reset?.payload.readUInt32BE(0)).toBe(ErrorCode.streamClosed);
    const next = harness.call();
    harness.answer(await harness.serverOf(3), 3);
    expect(Buffer.from(await next).toString()).toBe('yes');
  });

  it('§5.1: ends the connection when HEADERS follow', async () => {
    const { server } = await closed();
    server.sendHeaders(1, trailers, Flag.endStream);
    expect(await goawayCode(server)).toBe(ErrorCode.streamClosed);
  });
});

describe('a GOAWAY', () => {
  it.each([
    ['§6.8: with words and a code that nobody knows', 0xdead_beef, 'some words'],
    ['§6.8: without an error', ErrorCode.noError, ''],
  ])('%s lets what runs finish, and new calls go elsewhere', async (_name, code, words) => {
    const harness = new ClientHarness();
    const call = harness.call();
    const server = await harness.serverOf(1);
    const payload = Buffer.concat([uint32(2 ** 31 - 1, code), Buffer.from(words)]);
    server.send(FrameType.goaway, 0, 0, payload);
    server.send(FrameType.goaway, 0, 0, uint32(2 ** 31 + 1, code));
    const next = harness.call();
    const other = await harness.serverOf(1, 1);
    harness.answer(other, 1, 'other');
    expect(Buffer.from(await next).toString()).toBe('other');
    harness.answer(server, 1);
    expect(Buffer.from(await call).toString()).toBe('yes');
    await server.ended();
  });
});

describe('a GOAWAY that takes back what another said', () => {
  it('§6.8: ends the connection, since it may only name fewer streams', async () => {
    const harness = new ClientHarness();
    const call = failureOf(harness.call());
    const server = await harness.serverOf(1);
    server.send(FrameType.goaway, 0, 0, uint32(1, 0));
    server.send(FrameType.goaway, 0, 0, uint32(3, 0));
    expect(await goawayCode(server)).toBe(ErrorCode.protocolError);
    expect((await call)?.status).toBe(Status.unavailable);
  });
});

describe('the handshake of a client', () => {
  it('§3.4: begins with the preface and SETTINGS that allow no pushes', async () => {
    const [near, far] = memoryDuplexPair();
    const received: Buffer[] = [];
    near.on('data', (chunk: Buffer) => received.push(chunk));
    const client = new GrpcClient({
      dial: async () => far,
      authority: 'test',
      clock: new ManualClock(),
      random: () => 0.5,
    });
    client.connect();
    while (received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const bytes = Buffer.concat(received);
    expect(bytes.subarray(0, 24)).toEqual(Buffer.from(clientPreface));
    expect(bytes.readUInt8(24 + 3)).toBe(FrameType.settings);
    const push = Buffer.from(settingsPayload([[SettingId.enablePush, 0]]));
    expect(bytes.includes(push)).toBe(true);
    client.close();
  });

  it.each<[string, (peer: FramePeer) => void]>([
    ['HEADERS', (peer) => peer.sendHeaders(1, okFields)],
    ['a PING', (peer) => peer.send(FrameType.ping, 0, 0, Buffer.alloc(8))],
    [
      'the acknowledgement of SETTINGS',
      (peer) => peer.send(FrameType.settings, Flag.ack, 0, Buffer.alloc(0)),
    ],
    ['GOAWAY', (peer) => peer.send(FrameType.goaway, 0, 0, uint32(0, 0))],
    ['HTTP/1.1', (peer) => peer.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ])('§3.4: fails when the server begins with %s', async (_name, act) => {
    const [near, far] = memoryDuplexPair();
    const server = new FramePeer(near, clientPreface.length);
    act(server);
    const clock = new ManualClock();
    const client = new GrpcClient({
      dial: async () => far,
      authority: 'test',
      clock,
      random: () => 0.5,
    });
    const failure = await failureOf(client.unary('/test.Echo/Unary', Buffer.alloc(1)));
    expect(failure).toMatchObject({ status: Status.unavailable, isUnprocessed: true });
    expect(await goawayCode(server)).toBeGreaterThan(0);
    client.close();
  });

  it('§6.7: answers a PING with its bytes', async () => {
    const harness = new ClientHarness();
    const call = harness.call();
    const server = await harness.serverOf(1);
    server.send(FrameType.ping, 0, 0, Buffer.from('12345678'));
    const answered = await server.find(({ type }) => type === FrameType.ping);
    expect([answered?.flags, answered?.payload.toString()]).toEqual([Flag.ack, '12345678']);
    harness.client.close();
    await expect(call).rejects.toThrow(CallError);
  });
});
