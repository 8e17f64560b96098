import { byteAt } from '../frames.ts';
import { invariant } from '../invariant.ts';
import { codeLengths, codes, endOfString } from './huffman-table.ts';

/*
 * Decoding walks a state machine four bits at a time. A state is an inner node of the code tree; no
 * code is shorter than five bits, so a step emits at most one symbol. One cell of the table:
 *
 *     bits 0-7  next state   8-15  symbol   16  emits   17  the text may end here   18  invalid
 *
 * The text may end in a node whose path is at most seven ones: that is padding (RFC 7541 §5.2).
 */
const emits = 1 << 16;
const accepts = 1 << 17;
const invalid = 1 << 18;
const steps: Uint32Array = buildSteps();

/**
 * Decodes `[start, end)` of a Huffman-coded string into `target` from offset 0, which must have room
 * for 8/5 of the length. Returns the bytes written, or -1 when the coding is invalid.
 */
export function decodeHuffman(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
): number {
  let state = 0;
  let length = 0;
  let last = accepts;
  for (let at = start; at < end; at++) {
    const byte = byteAt(source, at);
    const high = steps[(state << 4) | (byte >>> 4)] as number;
    if ((high & emits) !== 0) target[length++] = high >>> 8;
    last = steps[((high & 0xff) << 4) | (byte & 15)] as number;
    if ((last & emits) !== 0) target[length++] = last >>> 8;
    if (((high | last) & invalid) !== 0) return -1;
    state = last & 0xff;
  }
  return (last & accepts) === 0 ? -1 : length;
}

/** Bytes that `text` takes when Huffman-coded. Its characters are bytes (latin1). */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += codeLengths[text.charCodeAt(i) & 0xff] as number;
  return (bits + 7) >>> 3;
}

/** Writes `text` Huffman-coded at `at`, where `huffmanLength(text)` bytes fit; returns the end. */
export function encodeHuffman(text: string, target: Uint8Array, at: number): number {
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const code = codes[symbol] as number;
    // At most seven bits wait; a code has up to thirty: handed over in two parts to stay below 32.
    let length = codeLengths[symbol] as number;
    if (length > 16) {
      const upper = length - 16;
      pending = (pending << upper) | (code >>> 16);
      pendingBits += upper;
      length = 16;
      while (pendingBits >= 8) {
        pendingBits -= 8;
        target[at++] = pending >>> pendingBits;
      }
    }
    pending = (pending << length) | (code & ((1 << length) - 1));
    pendingBits += length;
    while (pendingBits >= 8) {
      pendingBits -= 8;
      target[at++] = pending >>> pendingBits;
    }
  }
  if (pendingBits > 0) target[at++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return at;
}

interface Node {
  readonly children: [Node | number | undefined, Node | number | undefined];
  readonly index: number;
  readonly accepts: boolean;
}

function buildSteps(): Uint32Array {
  const nodes = buildTree();
  invariant(nodes.length === endOfString, 'a tree of 257 leaves has 256 inner nodes');
  const table = new Uint32Array(nodes.length * 16);
  for (const node of nodes) {
    for (let nibble = 0; nibble < 16; nibble++) {
      table[node.index * 16 + nibble] = step(nodes, node, nibble);
    }
  }
  return table;
}

function step(nodes: readonly Node[], from: Node, nibble: number): number {
  let node = from;
  let cell = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.children[(nibble >>> bit) & 1];
    invariant(next !== undefined, 'every inner node has two children');
    if (typeof next === 'number') {
      if (next === endOfString) return invalid;
      cell = emits | (next << 8);
      node = nodes[0] as Node;
    } else {
      node = next;
    }
  }
  return cell | node.index | (node.accepts ? accepts : 0);
}

function buildTree(): Node[] {
  const root: Node = { children: [undefined, undefined], index: 0, accepts: true };
  const nodes = [root];
  codes.forEach((code, symbol) => {
    let node = root;
    let ones = 0;
    const length = codeLengths[symbol] as number;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = (code >>> bit) & 1;
      ones = side === 1 && ones >= 0 ? ones + 1 : -1;
      let next = node.children[side];
      if (next === undefined) {
        const index = nodes.length;
        next = { children: [undefined, undefined], index, accepts: ones > 0 && ones <= 7 };
        nodes.push(next);
        node.children[side] = next;
      }
      invariant(typeof next === 'object', 'no code is the beginning of another');
      node = next;
    }
    node.children[code & 1] = symbol;
  });
  return nodes;
}
