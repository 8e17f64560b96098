import { Prng } from '@kvorum/wal/testing';

/** Damage that happens to bits of a page's head and elements shows soonest, so half of it goes there. */
const HEAD_BYTES = 96;

/** A copy of a file of pages in which some bits, bytes or spans are wrong; the seed says which. */
export function damage(bytes: Uint8Array, seed: number, pageSize = 4096): Buffer {
  const random = new Prng(seed);
  const copy = Buffer.from(bytes);
  const times = 1 + random.below(3);
  for (let i = 0; i < times; i++) {
    const page = random.below(Math.max(1, Math.floor(copy.length / pageSize))) * pageSize;
    const inHead = random.below(2) === 0;
    const at = page + random.below(Math.min(inHead ? HEAD_BYTES : pageSize, copy.length - page));
    const kind = random.below(4);
    if (kind === 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    else if (kind === 1) copy[at] = random.below(256);
    else if (kind === 2) copy.fill(random.below(2) * 0xff, at, at + 1 + random.below(16));
    else copy.copy(copy, at, random.below(copy.length), at + random.below(pageSize));
  }
  return copy;
}
