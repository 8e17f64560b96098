import { mutateItems } from './frame-mutations.ts';
import { Prng } from './prng.ts';
import { Traffic } from './traffic.ts';
import type { WireItem } from './wire-item.ts';

/** A client's byte stream, wholly decided by a seed of 32 bits. */
export interface Sequence {
  readonly seed: number;
  readonly items: readonly WireItem[];
  /** How the byte stream is cut into chunks. */
  readonly pieceBytes: number;
  readonly isValid: boolean;
}

/** One in three is right; the others have mistakes in fields, blocks, bodies or frames. */
export function sequenceOf(seed: number): Sequence {
  const random = new Prng(seed);
  const isValid = random.percent(34);
  const isFaulty = (share: number): number => (!isValid && random.percent(share) ? 1 : 0);
  const faults = { fieldLists: isFaulty(30), blocks: isFaulty(25), bodies: isFaulty(15) };
  const isStillRight = faults.fieldLists + faults.blocks + faults.bodies === 0;
  const traffic = new Traffic(random, faults);
  traffic.write(random.between(1, 4));
  if (!isValid) {
    const mutations = isStillRight ? random.between(1, 3) : random.below(2);
    for (let i = 0; i < mutations; i++) mutateItems(traffic.items, random);
  }
  const pieceBytes = random.pick([1_000_000, 1_000_000, 1000, 77, 9]);
  const bytes = traffic.items.reduce(
    (sum, item) => sum + (item.kind === 'frame' ? item.payload.length + 9 : 40),
    0,
  );
  return { seed, items: traffic.items, pieceBytes: Math.max(pieceBytes, bytes >> 6), isValid };
}
