import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asMapKey, fromMapKey } from '../encoding.ts';
import { KeyValue } from '../key-value.ts';
import { keyDifferences } from './key-differences.ts';

const names = fc.string({ unit: fc.constantFrom('\0', 'a', '\xff'), maxLength: 2 });
const contents = fc.dictionary(names, fc.constantFrom('1', '2'));

async function* entriesOf(content: Record<string, string>): AsyncGenerator<KeyValue> {
  for (const [name, value] of Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const counts = { createRevision: 1n, modRevision: 1n, version: 1n, lease: 0n };
    yield new KeyValue({ key: fromMapKey(name), value: fromMapKey(value), ...counts });
  }
}

it('differences lead from what is there to what is wanted, and there are no others', async () => {
  await fc.assert(
    fc.asyncProperty(contents, contents, fc.boolean(), async (wanted, there, prune) => {
      const state: Record<string, string> = { ...there };
      for await (const { key, value } of keyDifferences(
        entriesOf(wanted),
        entriesOf(there),
        prune,
      )) {
        const name = asMapKey(key);
        expect(state[name]).not.toBe(value === undefined ? undefined : asMapKey(value));
        if (value === undefined) delete state[name];
        else state[name] = asMapKey(value);
      }
      expect(state).toEqual(prune ? wanted : { ...there, ...wanted });
    }),
  );
});
