import { compareBytes } from '../encoding.ts';
import type { KeyValue } from '../key-value.ts';
import type { KeyChange } from './key-writer.ts';

/**
 * What has to be done to one store to have what another has, in the order of keys, while both are read. Keys that only
 * the destination has are left alone unless `prune`.
 */
export async function* keyDifferences(
  wanted: AsyncIterable<KeyValue>,
  there: AsyncIterable<KeyValue>,
  prune: boolean,
): AsyncGenerator<KeyChange, void, undefined> {
  const theirs = there[Symbol.asyncIterator]();
  try {
    let next = await theirs.next();
    for await (const { key, value } of wanted) {
      for (; !next.done && compareBytes(next.value.key, key) < 0; next = await theirs.next()) {
        if (prune) yield { key: next.value.key, value: undefined };
      }
      const isThere = !next.done && compareBytes(next.value.key, key) === 0;
      if (!isThere || compareBytes(next.value.value, value) !== 0) yield { key, value };
      if (isThere) next = await theirs.next();
    }
    for (; prune && !next.done; next = await theirs.next()) {
      yield { key: next.value.key, value: undefined };
    }
  } finally {
    await theirs.return?.();
  }
}
