/**
 * A shorter sequence that still fails: drops stretches, large ones first, as long as `fails` says so. When `mayGoOn`
 * says no before a try, that is the end, with the shortest found.
 */
export async function shrink<T>(
  sequence: readonly T[],
  fails: (shorter: readonly T[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<readonly T[]> {
  let shortest = sequence;
  for (let size = Math.ceil(sequence.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < shortest.length && mayGoOn(); ) {
      const shorter = [...shortest.slice(0, from), ...shortest.slice(from + size)];
      if (await fails(shorter)) shortest = shorter;
      else from += size;
    }
  }
  return shortest;
}
