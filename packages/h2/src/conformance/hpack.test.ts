import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType } from '../frames.ts';
import {
  connectionErrors,
  type FaultCase,
  type PeerCase,
  tolerated,
  uint32,
} from '../testing/conformance.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';

/*
 * RFC 7541 §2 to §7, and RFC 9113 §4.3: header blocks that cannot be decoded end the connection with
 * COMPRESSION_ERROR, and all others must be decoded, in order, whoever they are for. The vectors of
 * appendix C are in hpack/rfc7541.test.ts.
 *
 * These bind only the one who encodes (hpack/hpack.test.ts): §4.2 the smallest and the last size are told
 * after the limit has changed; §4.4 a field over the table's size empties it; §7.1.3 secrets are sent as
 * literals that are never indexed, and stay so. RFC 9113 §4.3.1 asks to refuse a block without an update
 * after we have lowered SETTINGS_HEADER_TABLE_SIZE, which we never do.
 */

const both = ['server', 'client'] as const;
const flags = Flag.endHeaders | Flag.endStream;
/** The literal `x: y`, to be indexed. */
const xy = [0x40, 0x01, 0x78, 0x01, 0x79];
/** A literal with the name `x`, and a value that follows. */
const x = [0x00, 0x01, 0x78];

/** Trailers on stream 1 with these bytes. */
function broken(rule: string, name: string, block: readonly number[]): FaultCase {
  return { rule, name, code: 'compressionError', act: sending(block) };
}

function sending(block: readonly number[]): (peer: FramePeer) => void {
  return (peer) => peer.send(FrameType.headers, flags, 1, [...block]);
}

connectionErrors(both, [
  broken('6.1', 'the index 0', [0x80]),
  broken('2.3.3', 'an index beyond the tables', [0xff, 0x80, 0x01]),
  broken('2.3.3', 'the index of a name beyond the tables, indexed', [0x7f, 0x80, 0x01, 0x01, 0x79]),
  broken('2.3.3', 'the index of a name beyond the tables', [0x0f, 0xf0, 0x01, 0x01, 0x79]),
  broken('2.3.3', 'the index of a name beyond the tables, never indexed', [0x1f, 0xf0, 1, 1, 0x79]),
  broken('2.3.3', 'an index that an update has emptied', [0x20, 0xbe]),
  broken('4.2', 'a table size over SETTINGS_HEADER_TABLE_SIZE', [0x3f, 0xe2, 0x1f]),
  broken('4.2', 'a table size far over it', [0x3f, 0xff, 0xff, 0xff, 0x07]),
  broken('4.2', 'a table size after a field', [...xy, 0x20]),
  broken('5.1', 'an integer that does not end', [0xff]),
  broken('5.1', 'an integer whose rest does not end', [0xff, 0x80]),
  broken('5.1', 'an integer of too many bytes', [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
  broken('5.1', 'an integer over 32 bits', [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  broken('5.2', 'a name longer than the block', [0x40, 0x05, 0x78]),
  broken('5.2', 'a value longer than the block', [...x, 0x05, 0x79]),
  broken('5.2', 'a length of 2^21', [...x, 0x7f, 0x81, 0xff, 0x7f, 0x79]),
  broken('6.2', 'a literal without a name', [0x40]),
  broken('6.2', 'a literal without a value', x),
  broken('6.2', 'a literal with the index of a name, and without a value', [0x44]),
  broken('5.2', 'Huffman coding with more than 7 bits of padding', [...x, 0x82, 0x1f, 0xff]),
  broken('5.2', 'Huffman coding of padding alone, 8 bits', [...x, 0x81, 0xff]),
  broken('5.2', 'Huffman coding padded with zeros', [...x, 0x81, 0x18]),
  broken('5.2', 'Huffman coding with the end of string', [...x, 0x84, 0xff, 0xff, 0xff, 0xff]),
  broken('5.2', 'Huffman coding that ends inside a symbol', [...x, 0x81, 0xfe]),
  broken('5.2', 'a name in broken Huffman coding', [0x00, 0x81, 0x18, 0x01, 0x79]),
]);

function fine(rule: string, name: string, block: readonly number[]): PeerCase {
  const act = (peer: FramePeer): void => {
    sending(block)(peer);
    peer.forgetTable();
  };
  return { rule, name, act };
}

tolerated(both, [
  fine('2.1', 'a block without fields', []),
  fine('4.2', 'table sizes before the first field', [0x20, 0x3f, 0xe1, 0x1f, ...xy]),
  fine('4.2', 'a table size and nothing else', [0x20]),
  fine('5.1', 'an integer with a byte more than it needs', [0x3f, 0x80, 0x00, ...xy]),
  fine('5.2', 'strings in Huffman coding', [0x40, 0x81, 0xf3, 0x81, 0xf5]),
  fine('5.2', 'an empty value, plain and in Huffman coding', [...x, 0x00, ...x, 0x80]),
  fine('6.2.1', 'a literal that is indexed, and its index', [...xy, 0xbe]),
  fine('6.2.2', 'a literal that is not indexed', [...x, 0x01, 0x79]),
  fine('6.2.3', 'a literal that is never indexed', [0x10, 0x01, 0x78, 0x01, 0x79]),
  fine('4.4', 'a field over the size of the table, which it empties', [0x21, ...xy]),
]);

describe('blocks for nobody', () => {
  it('§4.3: of refused and of reset streams are decoded, since later ones point to them', async () => {
    const harness = new ServerHarness({ limits: { maxConcurrentStreams: 1 } });
    const { peer } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Stream'));
    peer.sendHeaders(3, [...callFields(), ['refused', 'x']]);
    peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
    // Answered before it ends, so its trailers come too late.
    peer.sendHeaders(5, [...callFields('Unknown'), ['refused', 'x']]);
    peer.sendHeaders(5, [['late', 'y']], Flag.endStream);
    peer.sendHeaders(7, [...callFields('Metadata'), ['late', 'y'], ['token', 'x']]);
    peer.send(FrameType.data, Flag.endStream, 7, framed('x'));
    await harness.end(7);
    expect(await harness.reset(3)).toBe(ErrorCode.refusedStream);
    const data = peer.frames.find(({ type }) => type === FrameType.data);
    expect(data?.payload.toString()).toContain('"token":"x"');
    expect(harness.errors).toEqual([]);
  });
});
