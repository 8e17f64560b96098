import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, SettingId } from './frames.ts';
import { settingsPayload } from './settings.ts';
import type { FramePeer } from './testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from './testing/server-harness.ts';

/*
 * RFC 9113, rule by rule: what a client does wrong, and the error that the server must answer with. A
 * stream error leaves the connection in working order; a connection error ends it with GOAWAY.
 */

interface Case {
  readonly rule: string;
  readonly name: string;
  readonly code: keyof typeof ErrorCode;
  readonly act: (peer: FramePeer) => void;
}

const protocol = 'protocolError';
const frameSize = 'frameSizeError';
const endHeaders = Flag.endHeaders;

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
}

/** The echo call's fields with some replaced; undefined removes one. */
function fieldsWith(changes: Record<string, string | undefined>): [string, string][] {
  const kept = callFields().filter(([name]) => !(name in changes));
  const added = Object.entries(changes).filter((entry) => entry[1] !== undefined);
  const all = [...kept, ...(added as [string, string][])];
  return [
    ...all.filter(([name]) => name.startsWith(':')),
    ...all.filter(([name]) => !name.startsWith(':')),
  ];
}

function open(peer: FramePeer, streamId: number): void {
  peer.sendHeaders(streamId, callFields('Stream'));
}

const connectionErrors: readonly Case[] = [
  {
    rule: '4.2',
    name: 'a frame over SETTINGS_MAX_FRAME_SIZE',
    code: frameSize,
    act: (peer) => peer.send(FrameType.data, 0, 1, Buffer.alloc(16_385)),
  },
  {
    rule: '4.3',
    name: 'a header block that cannot be decompressed',
    code: 'compressionError',
    act: (peer) =>
      peer.send(FrameType.headers, endHeaders, 1, [0x82, 0xff, 0xff, 0xff, 0xff, 0xff]),
  },
  {
    rule: '4.3',
    name: 'a reference beyond the header table',
    code: 'compressionError',
    act: (peer) => peer.send(FrameType.headers, endHeaders, 1, [0xc9]),
  },
  {
    rule: '4.3.1',
    name: 'a header table larger than allowed',
    code: 'compressionError',
    act: (peer) => peer.send(FrameType.headers, endHeaders, 1, [0x3f, 0xe2, 0x1f]),
  },
  {
    rule: '4.3',
    name: 'another frame inside a header block',
    code: protocol,
    act: (peer) => {
      peer.send(FrameType.headers, 0, 1, peer.encode(callFields()));
      peer.send(FrameType.ping, 0, 0, Buffer.alloc(8));
    },
  },
  {
    rule: '4.3',
    name: 'DATA inside a header block',
    code: protocol,
    act: (peer) => {
      peer.send(FrameType.headers, 0, 1, peer.encode(callFields()));
      peer.send(FrameType.data, 0, 1, framed('x'));
    },
  },
  {
    rule: '4.3',
    name: 'an unknown frame inside a header block',
    code: protocol,
    act: (peer) => {
      peer.send(FrameType.headers, 0, 1, peer.encode(callFields()));
      peer.send(0xbe, 0, 1, []);
    },
  },
  {
    rule: '5.1',
    name: 'DATA on an idle stream',
    code: protocol,
    act: (peer) => peer.send(FrameType.data, 0, 1, framed('x')),
  },
  {
    rule: '5.1',
    name: 'RST_STREAM on an idle stream',
    code: protocol,
    act: (peer) => peer.send(FrameType.rstStream, 0, 1, uint32(0)),
  },
  {
    rule: '5.1',
    name: 'WINDOW_UPDATE on an idle stream',
    code: protocol,
    act: (peer) => peer.send(FrameType.windowUpdate, 0, 1, uint32(1)),
  },
  {
    rule: '5.1',
    name: 'HEADERS on a stream that was closed',
    code: 'streamClosed',
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
      open(peer, 1);
    },
  },
  {
    rule: '5.1.1',
    name: 'an even stream identifier',
    code: protocol,
    act: (peer) => open(peer, 2),
  },
  {
    rule: '5.1.1',
    name: 'a stream identifier lower than the last',
    code: protocol,
    act: (peer) => {
      open(peer, 5);
      open(peer, 3);
    },
  },
  {
    rule: '6.1',
    name: 'DATA on stream 0',
    code: protocol,
    act: (peer) => peer.send(FrameType.data, 0, 0, framed('x')),
  },
  {
    rule: '6.1',
    name: 'DATA padded beyond its length',
    code: protocol,
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.data, Flag.padded, 1, [5, 0, 0, 0, 0]);
    },
  },
  {
    rule: '6.1',
    name: 'padded DATA without a pad length',
    code: protocol,
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.data, Flag.padded, 1, []);
    },
  },
  {
    rule: '6.2',
    name: 'HEADERS on stream 0',
    code: protocol,
    act: (peer) => open(peer, 0),
  },
  {
    rule: '6.2',
    name: 'HEADERS padded beyond its length',
    code: protocol,
    act: (peer) => peer.send(FrameType.headers, endHeaders | Flag.padded, 1, [9, 0x82]),
  },
  {
    rule: '6.2',
    name: 'padded HEADERS without a pad length',
    code: frameSize,
    act: (peer) => peer.send(FrameType.headers, endHeaders | Flag.padded, 1, []),
  },
  {
    rule: '6.2',
    name: 'HEADERS too short for their priority',
    code: frameSize,
    act: (peer) => peer.send(FrameType.headers, endHeaders | Flag.priority, 1, [0, 0, 0, 0]),
  },
  {
    rule: '6.3',
    name: 'PRIORITY on stream 0',
    code: protocol,
    act: (peer) => peer.send(FrameType.priority, 0, 0, Buffer.alloc(5)),
  },
  {
    rule: '6.4',
    name: 'RST_STREAM on stream 0',
    code: protocol,
    act: (peer) => peer.send(FrameType.rstStream, 0, 0, uint32(0)),
  },
  {
    rule: '6.4',
    name: 'RST_STREAM of another length than 4',
    code: frameSize,
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.rstStream, 0, 1, [0, 0, 0]);
    },
  },
  {
    rule: '6.5',
    name: 'SETTINGS on a stream',
    code: protocol,
    act: (peer) => peer.send(FrameType.settings, 0, 1, []),
  },
  {
    rule: '6.5',
    name: 'an acknowledgement of SETTINGS with a payload',
    code: frameSize,
    act: (peer) => peer.send(FrameType.settings, Flag.ack, 0, Buffer.alloc(6)),
  },
  {
    rule: '6.5',
    name: 'SETTINGS whose length is no multiple of 6',
    code: frameSize,
    act: (peer) => peer.send(FrameType.settings, 0, 0, Buffer.alloc(7)),
  },
  {
    rule: '6.5.2',
    name: 'SETTINGS_ENABLE_PUSH of 2',
    code: protocol,
    act: (peer) => sendSetting(peer, SettingId.enablePush, 2),
  },
  {
    rule: '6.5.2',
    name: 'SETTINGS_INITIAL_WINDOW_SIZE of 2^31',
    code: 'flowControlError',
    act: (peer) => sendSetting(peer, SettingId.initialWindowSize, 2 ** 31),
  },
  {
    rule: '6.5.2',
    name: 'SETTINGS_MAX_FRAME_SIZE below 16,384',
    code: protocol,
    act: (peer) => sendSetting(peer, SettingId.maxFrameSize, 16_383),
  },
  {
    rule: '6.5.2',
    name: 'SETTINGS_MAX_FRAME_SIZE above 16,777,215',
    code: protocol,
    act: (peer) => sendSetting(peer, SettingId.maxFrameSize, 16_777_216),
  },
  {
    rule: '6.6, 8.4',
    name: 'PUSH_PROMISE from a client',
    code: protocol,
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.pushPromise, endHeaders, 1, uint32(2));
    },
  },
  {
    rule: '6.7',
    name: 'PING on a stream',
    code: protocol,
    act: (peer) => peer.send(FrameType.ping, 0, 1, Buffer.alloc(8)),
  },
  {
    rule: '6.7',
    name: 'PING of another length than 8',
    code: frameSize,
    act: (peer) => peer.send(FrameType.ping, 0, 0, Buffer.alloc(9)),
  },
  {
    rule: '6.8',
    name: 'GOAWAY on a stream',
    code: protocol,
    act: (peer) => peer.send(FrameType.goaway, 0, 1, Buffer.alloc(8)),
  },
  {
    rule: '6.8',
    name: 'GOAWAY shorter than 8',
    code: frameSize,
    act: (peer) => peer.send(FrameType.goaway, 0, 0, Buffer.alloc(7)),
  },
  {
    rule: '6.9',
    name: 'WINDOW_UPDATE of the connection by 0',
    code: protocol,
    act: (peer) => peer.send(FrameType.windowUpdate, 0, 0, uint32(0)),
  },
  {
    rule: '6.9',
    name: 'WINDOW_UPDATE of another length than 4',
    code: frameSize,
    act: (peer) => peer.send(FrameType.windowUpdate, 0, 0, [0, 0, 1]),
  },
  {
    rule: '6.9.1',
    name: 'a connection window beyond 2^31-1',
    code: 'flowControlError',
    act: (peer) => peer.send(FrameType.windowUpdate, 0, 0, uint32(2 ** 31 - 1)),
  },
  {
    rule: '6.9.2',
    name: 'a stream window beyond 2^31-1 by SETTINGS',
    code: 'flowControlError',
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.windowUpdate, 0, 1, uint32(2 ** 31 - 1 - 65_535));
      sendSetting(peer, SettingId.initialWindowSize, 65_536);
    },
  },
  {
    rule: '6.10',
    name: 'CONTINUATION of nothing',
    code: protocol,
    act: (peer) => peer.send(FrameType.continuation, endHeaders, 1, [0x82]),
  },
  {
    rule: '6.10',
    name: 'CONTINUATION of another stream',
    code: protocol,
    act: (peer) => {
      peer.send(FrameType.headers, 0, 1, peer.encode(callFields()));
      peer.send(FrameType.continuation, endHeaders, 3, [0x82]);
    },
  },
];

const streamErrors: readonly Case[] = [
  {
    rule: '5.1',
    name: 'DATA after END_STREAM',
    code: 'streamClosed',
    act: (peer) => {
      peer.sendHeaders(1, callFields('Never'));
      peer.send(FrameType.data, Flag.endStream, 1, framed('x'));
      peer.send(FrameType.data, 0, 1, framed('x'));
    },
  },
  {
    rule: '5.1',
    name: 'HEADERS after END_STREAM',
    code: 'streamClosed',
    act: (peer) => {
      peer.sendHeaders(1, callFields('Never'));
      peer.send(FrameType.data, Flag.endStream, 1, framed('x'));
      peer.sendHeaders(1, [['x', 'y']], Flag.endStream);
    },
  },
  {
    rule: '5.1',
    name: 'DATA after RST_STREAM',
    code: 'streamClosed',
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
      peer.send(FrameType.data, 0, 1, framed('x'));
    },
  },
  {
    rule: '6.3',
    name: 'PRIORITY of another length than 5',
    code: frameSize,
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.priority, 0, 1, Buffer.alloc(4));
    },
  },
  {
    rule: '6.9',
    name: 'WINDOW_UPDATE of a stream by 0',
    code: protocol,
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.windowUpdate, 0, 1, uint32(0));
    },
  },
  {
    rule: '6.9.1',
    name: 'a stream window beyond 2^31-1',
    code: 'flowControlError',
    act: (peer) => {
      open(peer, 1);
      peer.send(FrameType.windowUpdate, 0, 1, uint32(2 ** 31 - 1));
    },
  },
  {
    rule: '8.1',
    name: 'trailers without END_STREAM',
    code: protocol,
    act: (peer) => {
      open(peer, 1);
      peer.sendHeaders(1, [['x', 'y']]);
    },
  },
  {
    rule: '8.1',
    name: 'trailers with a pseudo-header field',
    code: protocol,
    act: (peer) => {
      open(peer, 1);
      peer.sendHeaders(1, [[':method', 'POST']], Flag.endStream);
    },
  },
  {
    rule: '8.1.1',
    name: 'more DATA than content-length',
    code: protocol,
    act: (peer) => {
      peer.sendHeaders(1, fieldsWith({ 'content-length': '3' }));
      peer.send(FrameType.data, 0, 1, framed('x'));
    },
  },
  {
    rule: '8.1.1',
    name: 'less DATA than content-length',
    code: protocol,
    act: (peer) => {
      peer.sendHeaders(1, fieldsWith({ 'content-length': '100' }));
      peer.send(FrameType.data, Flag.endStream, 1, framed('x'));
    },
  },
  ...malformed('8.2.1', 'a field name in upper case', { 'X-Upper': 'x' }),
  ...malformed('8.2.1', 'a field name with a blank', { 'x y': 'x' }),
  ...malformed('8.2.1', 'a field name with a colon', { 'x:y': 'x' }),
  ...malformed('8.2.1', 'an empty field name', { '': 'x' }),
  ...malformed('8.2.1', 'a field value with a line feed', { x: 'a\nb' }),
  ...malformed('8.2.1', 'a field value with NUL', { x: 'a\0b' }),
  ...malformed('8.2.1', 'a field value that begins with a blank', { x: ' a' }),
  ...malformed('8.2.1', 'a field value that ends with a tab', { x: 'a\t' }),
  ...malformed('8.2.2', 'a connection field', { connection: 'close' }),
  ...malformed('8.2.2', 'keep-alive', { 'keep-alive': '1' }),
  ...malformed('8.2.2', 'proxy-connection', { 'proxy-connection': 'x' }),
  ...malformed('8.2.2', 'transfer-encoding', { 'transfer-encoding': 'chunked' }),
  ...malformed('8.2.2', 'upgrade', { upgrade: 'h3' }),
  ...malformed('8.2.2', 'te with anything but trailers', { te: 'gzip' }),
  ...malformed('8.3', 'an unknown pseudo-header field', { ':unknown': 'x' }),
  ...malformed('8.3', 'a pseudo-header field of responses', { ':status': '200' }),
  ...malformed('8.3.1', 'no :method', { ':method': undefined }),
  ...malformed('8.3.1', 'no :scheme', { ':scheme': undefined }),
  ...malformed('8.3.1', 'no :path', { ':path': undefined }),
  ...malformed('8.3.1', 'an empty :path', { ':path': '' }),
  ...malformed('8.3.1', 'a :path that does not begin with a slash', { ':path': 'x' }),
  ...malformed('8.5', 'CONNECT with a :path', { ':method': 'CONNECT' }),
  ...malformed('8.6', 'a content-length that is no number', { 'content-length': '1x' }),
  {
    rule: '8.3',
    name: 'a pseudo-header field after a regular one',
    code: protocol,
    act: (peer) => peer.sendHeaders(1, [['x', 'y'], ...callFields()]),
  },
  {
    rule: '8.3',
    name: 'a pseudo-header field twice',
    code: protocol,
    act: (peer) => peer.sendHeaders(1, [[':path', '/x'], ...callFields()]),
  },
];

function malformed(
  rule: string,
  name: string,
  changes: Record<string, string | undefined>,
): readonly Case[] {
  return [{ rule, name, code: protocol, act: (peer) => peer.sendHeaders(1, fieldsWith(changes)) }];
}

function sendSetting(peer: FramePeer, id: number, value: number): void {
  peer.send(FrameType.settings, 0, 0, settingsPayload([[id, value]]));
}

describe('a connection error ends the connection with GOAWAY', () => {
  it.each(connectionErrors)('§$rule: $name is answered with $code', async ({ code, act }) => {
    const harness = new ServerHarness();
    harness.peer.greet();
    act(harness.peer);
    expect((await harness.goaway())?.code).toBe(ErrorCode[code]);
    await harness.peer.ended();
    expect(harness.errors.map((error) => error.http2Code)).toEqual([ErrorCode[code]]);
    expect(harness.connection.activeStreams).toBe(0);
  });
});

describe('a stream error resets the stream and nothing else', () => {
  it.each(streamErrors)('§$rule: $name is answered with $code', async ({ code, act }) => {
    const harness = new ServerHarness();
    harness.peer.greet();
    act(harness.peer);
    expect(await harness.reset(1)).toBe(ErrorCode[code]);
    expect(await harness.canCall(3)).toBe(true);
    expect(harness.errors).toEqual([]);
    expect(harness.connection.activeStreams).toBe(0);
  });
});

describe('the handshake', () => {
  it('§3.4: begins with the preface, and nothing else will do', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n']) {
      const harness = new ServerHarness();
      harness.peer.write(Buffer.from(bytes));
      expect((await harness.goaway())?.code).toBe(ErrorCode.protocolError);
    }
  });

  it('§3.4: goes on with SETTINGS', async () => {
    for (const [type, flags] of [
      [FrameType.headers, endHeaders],
      [FrameType.data, 0],
      [FrameType.settings, Flag.ack],
      [0xbe, 0],
    ] as const) {
      const harness = new ServerHarness();
      harness.peer.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
      harness.peer.send(type, flags, type === FrameType.settings ? 0 : 1, []);
      expect((await harness.goaway())?.code).toBe(ErrorCode.protocolError);
    }
  });

  it('answers SETTINGS and tells its own limits', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    const isAck = (frame: { type: number; flags: number }) =>
      frame.type === FrameType.settings && frame.flags === Flag.ack;
    expect(await harness.peer.find(isAck)).toBeDefined();
    const [first] = harness.peer.frames;
    expect(first?.type).toBe(FrameType.settings);
    const values = new Map<number, number>();
    const payload = first?.payload ?? Buffer.alloc(0);
    for (let at = 0; at < payload.length; at += 6) {
      values.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    expect(values.get(SettingId.maxConcurrentStreams)).toBe(1000);
    expect(values.get(SettingId.initialWindowSize)).toBe(1024 * 1024);
    expect(values.get(SettingId.maxHeaderListSize)).toBe(64 * 1024);
  });
});

describe('what the RFC tells to accept', () => {
  it.each<[string, (peer: FramePeer) => void]>([
    ['§4.1: unknown frame types', (peer) => peer.send(0xbe, 0xff, 7, Buffer.alloc(100))],
    ['§6.5.2: unknown settings', (peer) => sendSetting(peer, 0xbeef, 1)],
    ['§4.1: the reserved bit', (peer) => peer.send(FrameType.windowUpdate, 0, 2 ** 31, uint32(1))],
    ['§6.3: PRIORITY on an idle stream', (peer) => peer.send(2, 0, 99, Buffer.alloc(5))],
    ['§6.8: GOAWAY', (peer) => peer.send(FrameType.goaway, 0, 0, uint32(0, 0))],
    [
      '§5.1: WINDOW_UPDATE and RST_STREAM on a closed stream',
      (peer) => {
        open(peer, 1);
        peer.send(FrameType.rstStream, 0, 1, uint32(8));
        peer.send(FrameType.windowUpdate, 0, 1, uint32(1));
        peer.send(FrameType.rstStream, 0, 1, uint32(8));
      },
    ],
    [
      '§6.2: padding and priority',
      (peer) => {
        const block = peer.encode(callFields('Stream'));
        const payload = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), block, Buffer.alloc(3)]);
        const flags = endHeaders | Flag.padded | Flag.priority;
        peer.send(FrameType.headers, flags, 1, payload);
      },
    ],
    [
      '§6.10: a block in many frames, some of them empty',
      (peer) => {
        const block = peer.encode(callFields('Stream'));
        peer.send(FrameType.headers, 0, 1, block.subarray(0, 3));
        peer.send(FrameType.continuation, 0, 1, []);
        peer.send(FrameType.continuation, 0, 1, block.subarray(3, 9));
        peer.send(FrameType.continuation, endHeaders, 1, block.subarray(9));
      },
    ],
    [
      '§8.1: trailers of a request',
      (peer) => {
        open(peer, 1);
        peer.sendHeaders(1, [['x', 'y']], Flag.endStream);
      },
    ],
  ])('%s', async (_name, act) => {
    const harness = new ServerHarness();
    harness.peer.greet();
    act(harness.peer);
    expect(await harness.canCall(101)).toBe(true);
    expect(harness.errors).toEqual([]);
  });

  it('reads frames however the byte stream cuts them', async () => {
    const harness = new ServerHarness();
    const written: Uint8Array[] = [];
    const { peer } = harness;
    const write = peer.write.bind(peer);
    peer.write = (bytes) => void written.push(bytes);
    peer.greet();
    peer.sendHeaders(1, callFields());
    const body = framed('in small pieces');
    peer.send(FrameType.data, Flag.padded, 1, [2, ...body.subarray(0, 4), 0, 0]);
    peer.send(FrameType.data, 0, 1, body.subarray(4));
    peer.send(FrameType.data, Flag.padded, 1, [0]);
    peer.send(FrameType.data, Flag.padded | Flag.endStream, 1, [3, 0, 0, 0]);
    for (const byte of Buffer.concat(written)) write(Buffer.from([byte]));
    await harness.end(1);
    const data = peer.frames.find(({ type }) => type === FrameType.data);
    expect(data?.payload.equals(body)).toBe(true);
  });
});
