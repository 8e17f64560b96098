import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType } from '../frames.ts';
import { Status } from '../grpc/status.ts';
import { ClientHarness, failureOf, okFields, resetCode } from '../testing/client-harness.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { framed } from '../testing/server-harness.ts';

/*
 * RFC 9113 §8: what a response may be. A malformed one is a stream error of PROTOCOL_ERROR (§8.1.1); the
 * call ends with INTERNAL and the connection goes on. Gets gRPC calls and plain requests alike.
 *
 * These bind only the one who sends: §8.1 a response ends its stream, §8.3.2 has :status first, and
 * §8.6 no server answers 101. What a HEAD, a 204 or a 304 may not have is tested in `server.test.ts`.
 */

type Fields = readonly (readonly [string, string])[];

const end = Flag.endStream;
const trailers: Fields = [['grpc-status', '0']];

function head(...more: (readonly [string, string])[]): (peer: FramePeer) => void {
  return (peer) => peer.sendHeaders(1, [...okFields, ...more]);
}

function afterHead(act: (peer: FramePeer) => void): (peer: FramePeer) => void {
  return (peer) => {
    peer.sendHeaders(1, okFields);
    act(peer);
  };
}

const malformed: readonly [string, string, (peer: FramePeer) => void][] = [
  ['8.1', 'DATA before HEADERS', (peer) => peer.send(FrameType.data, 0, 1, framed('x'))],
  [
    '8.1',
    'an informational response that ends',
    (peer) => peer.sendHeaders(1, [[':status', '103']], end),
  ],
  [
    '8.1',
    'DATA after an informational response',
    (peer) => {
      peer.sendHeaders(1, [[':status', '103']]);
      peer.send(FrameType.data, 0, 1, framed('x'));
    },
  ],
  ['8.1', 'HEADERS again, that do not end', afterHead((peer) => peer.sendHeaders(1, okFields))],
  ['8.1', 'trailers that do not end', afterHead((peer) => peer.sendHeaders(1, trailers))],
  ['8.1', 'trailers with :status', afterHead((peer) => peer.sendHeaders(1, okFields, end))],
  [
    '8.1',
    'trailers with a pseudo-header field of requests',
    afterHead((peer) => peer.sendHeaders(1, [[':path', '/'], ...trailers], end)),
  ],
  ['8.1.1', 'a content-length that is no number', head(['content-length', '1x'])],
  ['8.1.1', 'two content-lengths', head(['content-length', '1'], ['content-length', '2'])],
  [
    '8.1.1',
    'more DATA than content-length',
    (peer) => {
      peer.sendHeaders(1, [...okFields, ['content-length', '5']]);
      peer.send(FrameType.data, 0, 1, framed('x'));
    },
  ],
  [
    '8.1.1',
    'less DATA than content-length',
    (peer) => {
      peer.sendHeaders(1, [...okFields, ['content-length', '7']]);
      peer.send(FrameType.data, 0, 1, framed('x'));
      peer.sendHeaders(1, trailers, end);
    },
  ],
  [
    '8.1.1',
    'no DATA after a content-length',
    (peer) => peer.sendHeaders(1, [...okFields, ['content-length', '7'], ...trailers], end),
  ],
  ['8.2.1', 'a field name in upper case', head(['X-Upper', 'x'])],
  ['8.2.1', 'a field name with a blank', head(['x y', 'x'])],
  ['8.2.1', 'an empty field name', head(['', 'x'])],
  ['8.2.1', 'a field value with a line feed', head(['x', 'a\nb'])],
  ['8.2.1', 'a field value with NUL', head(['x', 'a\0b'])],
  ['8.2.1', 'a field value that ends with a blank', head(['x', 'a '])],
  [
    '8.2.1',
    'trailers with a name in upper case',
    afterHead((peer) => peer.sendHeaders(1, [...trailers, ['X', 'y']], end)),
  ],
  ['8.2.2', 'connection', head(['connection', 'close'])],
  ['8.2.2', 'keep-alive', head(['keep-alive', '1'])],
  ['8.2.2', 'proxy-connection', head(['proxy-connection', '1'])],
  ['8.2.2', 'transfer-encoding', head(['transfer-encoding', 'chunked'])],
  ['8.2.2', 'upgrade', head(['upgrade', 'h3'])],
  [
    '8.2.2',
    'trailers with connection',
    afterHead((peer) => peer.sendHeaders(1, [...trailers, ['connection', 'x']], end)),
  ],
  [
    '8.3',
    'a pseudo-header field of requests',
    (peer) => peer.sendHeaders(1, [[':path', '/'], ...okFields]),
  ],
  [
    '8.3',
    'an unknown pseudo-header field',
    (peer) => peer.sendHeaders(1, [[':x', 'y'], ...okFields]),
  ],
  [
    '8.3',
    'a pseudo-header field after a regular one',
    (peer) => peer.sendHeaders(1, [['x', 'y'], ...okFields]),
  ],
  ['8.3.2', 'no :status', (peer) => peer.sendHeaders(1, okFields.slice(1))],
  ['8.3.2', 'two :status', (peer) => peer.sendHeaders(1, [[':status', '200'], ...okFields])],
  ['8.3.2', 'an empty :status', (peer) => peer.sendHeaders(1, [[':status', '']])],
  ['8.3.2', 'a :status of two digits', (peer) => peer.sendHeaders(1, [[':status', '20']])],
  ['8.3.2', 'a :status that is no number', (peer) => peer.sendHeaders(1, [[':status', '2xx']])],
  ['8.6', 'the status 101', (peer) => peer.sendHeaders(1, [[':status', '101']])],
];

const calls = [
  { kind: 'call', begin: (harness: ClientHarness): Promise<unknown> => harness.call() },
  {
    kind: 'plain request',
    begin: async (harness: ClientHarness): Promise<unknown> => {
      const body = Buffer.from('x');
      const response = await harness.client.exchange({ method: 'POST', path: '/', body });
      for await (const _ of response.body);
      return response;
    },
  },
];

describe.each(calls)('a malformed response to a $kind is reset and ends it', ({ begin }) => {
  it.each(malformed)('§%s: %s', async (_rule, _name, act) => {
    const harness = new ClientHarness();
    const failure = failureOf(begin(harness));
    const server = await harness.serverOf(1);
    await server.find(({ type, flags }) => type === FrameType.data && flags === end);
    act(server);
    expect((await failure)?.status).toBe(Status.internal);
    expect(await resetCode(server, 1)).toBe(ErrorCode.protocolError);
    const next = harness.call();
    harness.answer(await harness.serverOf(3), 3);
    expect(Buffer.from(await next).toString()).toBe('yes');
    expect(harness.errors).toEqual([]);
  });
});

describe.each(calls)('a response to a $kind may', ({ begin }) => {
  it.each<[string, string, (peer: FramePeer) => void]>([
    [
      '8.1',
      'follow informational ones',
      (peer) => {
        peer.sendHeaders(1, [[':status', '100']]);
        peer.sendHeaders(1, [
          [':status', '103'],
          ['link', '</x>'],
        ]);
      },
    ],
    ['5.5', 'be mixed with unknown frames', (peer) => peer.send(0xbe, 0xff, 1, [1, 2, 3])],
  ])('§%s: %s', async (_rule, _name, act) => {
    const harness = new ClientHarness();
    const call = begin(harness);
    const server = await harness.serverOf(1);
    await server.find(({ type, flags }) => type === FrameType.data && flags === end);
    act(server);
    server.sendHeaders(1, [...okFields, ['content-length', '6'], ['te', 'x']]);
    server.send(FrameType.data, 0, 1, framed('x'));
    server.sendHeaders(1, trailers, end);
    expect(await call).toBeDefined();
    expect(server.frames.some(({ type }) => type === FrameType.rstStream)).toBe(false);
  });
});

describe('a response without content', () => {
  it.each([
    ['HEAD', '200'],
    ['GET', '304'],
  ])('§8.1.1: to %s with status %s may tell a content-length', async (method, status) => {
    const harness = new ClientHarness();
    const exchange = harness.client.exchange({ method, path: '/' });
    const server = await harness.serverOf(1);
    server.sendHeaders(
      1,
      [
        [':status', status],
        ['content-length', '1000'],
      ],
      end,
    );
    expect((await exchange).status).toBe(Number(status));
    expect(server.frames.some(({ type }) => type === FrameType.rstStream)).toBe(false);
  });
});
