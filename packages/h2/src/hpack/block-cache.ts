import { byteAt } from '../frames.ts';
import type { HeaderBlock } from './header-block.ts';

/** Longer blocks carry something long that will hardly come again. */
const maxCachedBytes = 256;
/** A power of two; a client repeats a few kinds of call. */
const slots = 16;

interface Entry {
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly block: HeaderBlock;
}

/**
 * Blocks by their bytes. A caller that makes the same call again and again sends the same few bytes, and
 * they mean the same as long as the dynamic table has the same version. Only blocks that left the table
 * as it was may be stored.
 */
export class BlockCache {
  readonly #entries: (Entry | undefined)[] = new Array(slots).fill(undefined);

  find(bytes: Uint8Array, start: number, end: number, version: number): HeaderBlock | undefined {
    const entry = this.#entries[slotOf(bytes, start, end)];
    if (entry === undefined || entry.version !== version) return undefined;
    const known = entry.bytes;
    if (known.length !== end - start) return undefined;
    for (let i = 0; i < known.length; i++) {
      if (known[i] !== bytes[start + i]) return undefined;
    }
    return entry.block;
  }

  store(bytes: Uint8Array, start: number, end: number, version: number, block: HeaderBlock): void {
    if (end - start > maxCachedBytes) return;
    const copy = Uint8Array.prototype.slice.call(bytes, start, end);
    this.#entries[slotOf(bytes, start, end)] = { bytes: copy, version, block };
  }
}

/** By length and the last sixteen bytes: what differs between calls stands late more often. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  const from = Math.max(start, end - 16);
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ byteAt(bytes, at), 0x0100_0193);
  return (hash ^ (hash >>> 16)) & (slots - 1);
}
