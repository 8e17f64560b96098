import { describe, expect, it } from 'vitest';
import { Flag, FrameType } from '../frames.ts';
import type { HttpExchange } from '../grpc/types.ts';
import { type FaultCase, type PeerCase, streamErrors, tolerated } from '../testing/conformance.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';

/*
 * RFC 9113 §8: what a request may be. A malformed one is a stream error (§8.1.1), and the handler never
 * sees it.
 *
 * These bind only the one who sends:
 *   §8.1   a server's response may end before the request, which is then reset with NO_ERROR (grpc tests)
 *   §8.2   names are in lower case when they are sent, §8.2.2 without fields of a connection (text.test.ts)
 *   §8.2.3 crumbs of a cookie may be sent in several fields; §8.3 pseudo-header fields come first
 *   §8.3.1 a client sends :method, :scheme and :path, and no host that differs from :authority
 *   §8.4   we push nothing; §8.5 we tunnel nothing: CONNECT gets the answer of any other request
 *   §8.6   a server does not switch protocols; §8.7 what may be sent again (client-retry.test.ts)
 */

const protocol = 'protocolError';
type Changes = Readonly<Record<string, string | undefined>>;

/** The echo call's fields with some replaced or added; undefined removes one. */
function fieldsWith(changes: Changes): [string, string][] {
  const kept = callFields().filter(([name]) => !(name in changes));
  const added = Object.entries(changes).filter((entry) => entry[1] !== undefined);
  const all = [...kept, ...(added as [string, string][])];
  return [
    ...all.filter(([name]) => name.startsWith(':')),
    ...all.filter(([name]) => !name.startsWith(':')),
  ];
}

/** The names and values, as `[rule, what is wrong, the changes that make it so]`. */
const malformed: readonly [string, string, Changes][] = [
  ['8.2.1', 'a field name in upper case', { 'X-Upper': 'x' }],
  ['8.2.1', 'one upper-case letter', { 'x-uppeR': 'x' }],
  ['8.2.1', 'a field name with a blank', { 'x y': 'x' }],
  ['8.2.1', 'a field name with a colon', { 'x:y': 'x' }],
  ['8.2.1', 'a field name with a control', { 'x\u0001': 'x' }],
  ['8.2.1', 'a field name with DEL', { 'x\u007f': 'x' }],
  ['8.2.1', 'a field name beyond ASCII', { 'x\u00e9': 'x' }],
  ['8.2.1', 'an empty field name', { '': 'x' }],
  ['8.2.1', 'a field name that is no token', { 'x"': 'x' }],
  ['8.2.1', 'a field value with a control', { x: 'a\u0001b' }],
  ['8.2.1', 'a field value with DEL', { x: 'a\u007fb' }],
  ['8.3.1', 'an empty :authority', { ':authority': '' }],
  ['8.2.1', 'a field value with a line feed', { x: 'a\nb' }],
  ['8.2.1', 'a field value with a carriage return', { x: 'a\rb' }],
  ['8.2.1', 'a field value with NUL', { x: 'a\0b' }],
  ['8.2.1', 'a field value that begins with a blank', { x: ' a' }],
  ['8.2.1', 'a field value that begins with a tab', { x: '\ta' }],
  ['8.2.1', 'a field value that ends with a blank', { x: 'a ' }],
  ['8.2.1', 'a field value that ends with a tab', { x: 'a\t' }],
  ['8.2.1', 'a pseudo-header field with a line feed', { ':path': '/x\n' }],
  ['8.2.2', 'connection', { connection: 'close' }],
  ['8.2.2', 'keep-alive', { 'keep-alive': '1' }],
  ['8.2.2', 'proxy-connection', { 'proxy-connection': 'x' }],
  ['8.2.2', 'transfer-encoding', { 'transfer-encoding': 'chunked' }],
  ['8.2.2', 'upgrade', { upgrade: 'h3' }],
  ['8.2.2', 'te with anything but trailers', { te: 'gzip' }],
  ['8.2.2', 'te with trailers and more', { te: 'trailers, gzip' }],
  ['8.3', 'an unknown pseudo-header field', { ':unknown': 'x' }],
  ['8.3', 'a pseudo-header field of responses', { ':status': '200' }],
  ['8.3.1', 'no :method', { ':method': undefined }],
  ['8.3.1', 'no :scheme', { ':scheme': undefined }],
  ['8.3.1', 'no :path', { ':path': undefined }],
  ['8.3.1', 'an empty :method', { ':method': '' }],
  ['8.3.1', 'a :method that is none', { ':method': 'PO ST' }],
  ['8.3.1', 'an empty :scheme', { ':scheme': '' }],
  ['8.3.1', 'a :scheme that is none', { ':scheme': 'ht/tp' }],
  ['8.3.1', 'an empty :path', { ':path': '' }],
  ['8.3.1', 'a :path that does not begin with a slash', { ':path': 'x' }],
  ['8.3.1', 'a :path of *, but for OPTIONS', { ':path': '*' }],
  ['8.3.1', 'a :path with a blank', { ':path': '/a b' }],
  ['8.3.1', 'user information in :authority', { ':authority': 'me:secret@test' }],
  ['8.3.1', 'a host that differs from :authority', { host: 'other' }],
  ['8.3.1', 'a host with another port', { host: 'test:81' }],
  ['8.5', 'CONNECT with :scheme and :path', { ':method': 'CONNECT' }],
  ['8.5', 'CONNECT with a :path', { ':method': 'CONNECT', ':scheme': undefined }],
  ['8.5', 'CONNECT with a :scheme', { ':method': 'CONNECT', ':path': undefined }],
  [
    '8.5',
    'CONNECT without :authority',
    { ':method': 'CONNECT', ':path': undefined, ':scheme': undefined, ':authority': undefined },
  ],
  // RFC 8441: only after SETTINGS_ENABLE_CONNECT_PROTOCOL, which we do not send.
  ['8.5', 'the extended CONNECT', { ':method': 'CONNECT', ':protocol': 'websocket' }],
  ['8.1.1', 'a content-length that is no number', { 'content-length': '1x' }],
  ['8.1.1', 'a negative content-length', { 'content-length': '-1' }],
  ['8.1.1', 'an empty content-length', { 'content-length': '' }],
  ['8.1.1', 'a content-length with a sign', { 'content-length': '+6' }],
];

const malformedHeads: readonly FaultCase[] = malformed.map(([rule, name, changes]) => ({
  rule,
  name,
  code: protocol,
  act: (peer) => send(peer, fieldsWith(changes)),
}));

/** A request on stream 3; a call on stream 1 goes on beside it. */
function send(peer: FramePeer, fields: readonly (readonly [string, string])[], flags = 0): void {
  peer.sendHeaders(3, fields, flags);
}

const malformedOrders: readonly FaultCase[] = [
  {
    rule: '8.3',
    name: 'a pseudo-header field after a regular one',
    code: protocol,
    act: (peer) => send(peer, [['x', 'y'], ...callFields()]),
  },
  ...[':method', ':scheme', ':path', ':authority'].map(
    (name): FaultCase => ({
      rule: '8.3',
      name: `${name} twice`,
      code: protocol,
      act: (peer) => {
        const twice = callFields().find(([other]) => other === name) as [string, string];
        send(peer, [twice, ...callFields()]);
      },
    }),
  ),
  {
    rule: '8.3.1',
    name: 'two hosts',
    code: protocol,
    act: (peer) => send(peer, [...callFields(), ['host', 'test'], ['host', 'test']]),
  },
  {
    rule: '8.1.1',
    name: 'a content-length twice, even the same',
    code: protocol,
    act: (peer) => send(peer, [...callFields(), ['content-length', '6'], ['content-length', '6']]),
  },
  {
    rule: '8.1.1',
    name: 'two content-lengths',
    code: protocol,
    act: (peer) => send(peer, [...callFields(), ['content-length', '6'], ['content-length', '7']]),
  },
  {
    rule: '8.1.1',
    name: 'more DATA than content-length',
    code: protocol,
    act: (peer) => {
      send(peer, fieldsWith({ 'content-length': '3' }));
      peer.send(FrameType.data, 0, 3, framed('x'));
    },
  },
  {
    rule: '8.1.1',
    name: 'less DATA than content-length',
    code: protocol,
    act: (peer) => {
      send(peer, fieldsWith({ 'content-length': '100' }));
      peer.send(FrameType.data, Flag.endStream, 3, framed('x'));
    },
  },
  {
    rule: '8.1.1',
    name: 'no DATA after a content-length',
    code: protocol,
    act: (peer) => send(peer, fieldsWith({ 'content-length': '1' }), Flag.endStream),
  },
  {
    rule: '8.1.1',
    name: 'trailers before the content-length is reached',
    code: protocol,
    act: (peer) => {
      send(peer, fieldsWith({ ':path': '/test.Echo/Never', 'content-length': '100' }));
      peer.send(FrameType.data, 0, 3, framed('x'));
      peer.sendHeaders(3, [['x', 'y']], Flag.endStream);
    },
  },
];

const malformedTrailers: readonly FaultCase[] = (
  [
    ['8.1', 'trailers without END_STREAM', [['x', 'y']], 0],
    ['8.1', 'trailers with :path', [[':path', '/']], Flag.endStream],
    ['8.1', 'trailers with :status', [[':status', '200']], Flag.endStream],
    ['8.1', 'trailers with an unknown pseudo-header field', [[':x', 'y']], Flag.endStream],
    ['8.2.1', 'trailers with a name in upper case', [['X', 'y']], Flag.endStream],
    ['8.2.1', 'trailers with a line feed', [['x', 'a\nb']], Flag.endStream],
    ['8.2.2', 'trailers with connection', [['connection', 'close']], Flag.endStream],
    ['8.2.2', 'trailers with te: gzip', [['te', 'gzip']], Flag.endStream],
    ['8.1', 'trailers with content-length', [['content-length', '6']], Flag.endStream],
    ['8.1', 'trailers with host', [['host', 'test']], Flag.endStream],
  ] as const
).map(([rule, name, fields, flags]) => ({
  rule,
  name,
  code: protocol,
  act: (peer: FramePeer) => {
    send(peer, callFields('Stream'));
    peer.sendHeaders(3, fields, flags);
  },
}));

for (const cases of [malformedHeads, malformedOrders, malformedTrailers]) {
  streamErrors(['server'], cases, 3);
}

const borne: readonly PeerCase[] = (
  [
    ['8.2.1', 'field values beyond ASCII, with blanks inside', { x: 'a b\t\u00e9' }],
    ['8.2.1', 'empty field values', { x: '' }],
    ['8.2.2', 'te: trailers', { te: 'trailers' }],
    ['8.3.1', 'no :authority', { ':authority': undefined }],
    ['8.3.1', 'a host in place of :authority', { ':authority': undefined, host: 'test' }],
    ['8.3.1', 'the same host', { host: 'test' }],
    ['8.3.1', 'the same host in other words', { host: 'TEST:80' }],
    ['8.3.1', 'another scheme', { ':scheme': 'coap+tcp' }],
    ['8.3.1', 'OPTIONS of *', { ':method': 'OPTIONS', ':path': '*' }],
    ['8.1.1', 'the content-length that is true', { 'content-length': '6' }],
  ] as const
).map(([rule, name, changes]) => ({
  rule,
  name,
  act: (peer: FramePeer) => {
    send(peer, fieldsWith(changes));
    peer.send(FrameType.data, Flag.endStream, 3, framed('x'));
  },
}));

tolerated(
  ['server'],
  [
    ...borne,
    {
      rule: '8.1',
      name: 'trailers after DATA, and without any',
      act: (peer) => {
        send(peer, callFields());
        peer.send(FrameType.data, 0, 3, framed('x'));
        peer.sendHeaders(3, [['x', 'y']], Flag.endStream);
        peer.sendHeaders(5, callFields('Stream'));
        peer.sendHeaders(5, [['x', 'y']], Flag.endStream);
      },
    },
    {
      rule: '8.5',
      name: 'CONNECT, which is answered as any other request',
      act: (peer) =>
        send(
          peer,
          [
            [':method', 'CONNECT'],
            [':authority', 'test:80'],
          ],
          Flag.endStream,
        ),
    },
  ],
);

describe('a request for the fallback', () => {
  const head: [string, string][] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'test'],
  ];

  async function exchangeOf(fields: [string, string][]): Promise<HttpExchange | undefined> {
    let exchange: HttpExchange | undefined;
    const harness = new ServerHarness({
      fallback: (received) => {
        exchange = received;
        void received.respond(200, []);
      },
    });
    harness.peer.greet();
    harness.peer.sendHeaders(1, fields, Flag.endStream);
    await harness.end(1);
    return exchange;
  }

  it('§8.2.3: has one cookie, however it was crumbled', async () => {
    const exchange = await exchangeOf([
      ...head,
      ['cookie', 'a=b'],
      ['x', 'y'],
      ['cookie', 'c=d'],
      ['cookie', 'e=f'],
    ]);
    expect(exchange?.headers.getAll('cookie')).toEqual(['a=b; c=d; e=f']);
    expect(exchange?.headers.get('x')).toBe('y');
  });

  it('§8.3.1: has the authority that host names, when there is no other', async () => {
    const exchange = await exchangeOf([...head.slice(0, 3), ['host', 'example']]);
    expect(exchange?.authority).toBe('example');
  });

  it('§8.5: has no path when it is CONNECT', async () => {
    const exchange = await exchangeOf([
      [':method', 'CONNECT'],
      [':authority', 'test:80'],
    ]);
    expect([exchange?.method, exchange?.path, exchange?.authority]).toEqual([
      'CONNECT',
      '',
      'test:80',
    ]);
  });
});
