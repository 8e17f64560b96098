import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asMapKey, fromMapKey } from '../encoding.ts';
import { KeyValue } from '../key-value.ts';
import { SortedEntries } from './sorted-entries.ts';

function entryOf(name: string, modRevision = 1n): KeyValue {
  const value = new Uint8Array(0);
  const counts = { createRevision: 1n, modRevision, version: 1n, lease: 0n };
  return new KeyValue({ key: fromMapKey(name), value, ...counts });
}

const namesOf = (entries: Iterable<KeyValue>) => [...entries].map(({ key }) => asMapKey(key));

it('entries are found, put in and taken out as in a sorted map', () => {
  const name = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), maxLength: 3 });
  const bounds = fc.tuple(name, fc.option(name, { nil: undefined }));
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 40 }),
      fc.array(fc.tuple(fc.constantFrom('set', 'delete'), name), { maxLength: 200 }),
      bounds,
      (first, steps, [start, end]) => {
        const entries = SortedEntries.of(first.toSorted().map((one) => entryOf(one)));
        const model = new Map(first.map((one) => [one, 1n]));
        steps.forEach(([what, one], at) => {
          const revision = BigInt(at + 2);
          const bytes = fromMapKey(one);
          const there = entries.get(bytes)?.modRevision;
          expect(there).toBe(model.get(one));
          const before =
            what === 'set' ? entries.set(entryOf(one, revision)) : entries.delete(bytes);
          expect(before?.modRevision).toBe(there);
          if (what === 'set') model.set(one, revision);
          else model.delete(one);
          expect(entries.size).toBe(model.size);
        });
        const wanted = [...model.keys()]
          .filter((one) => one >= start && (end === undefined || one < end))
          .sort();
        const last = end === undefined ? undefined : fromMapKey(end);
        const interval = { start: fromMapKey(start), end: last };
        expect(namesOf(entries.ascending(interval))).toEqual(wanted);
        expect(namesOf(entries.descending(interval))).toEqual(wanted.toReversed());
      },
    ),
  );
});

it('thousands of entries stay in order, whatever order they come in', () => {
  const names = Array.from({ length: 5000 }, (_, at) =>
    String((at * 7919) % 5000).padStart(4, '0'),
  );
  const entries = SortedEntries.of([]);
  for (const name of names) entries.set(entryOf(name));
  const all = { start: fromMapKey(''), end: undefined };
  expect(namesOf(entries.ascending(all))).toEqual(names.toSorted());
  expect(namesOf(entries)).toEqual(names.toSorted());
  const some = { start: fromMapKey('0999'), end: fromMapKey('4001') };
  expect(namesOf(entries.descending(some))).toHaveLength(3002);
  for (const name of names) entries.delete(fromMapKey(name));
  expect(entries.size).toBe(0);
  expect(namesOf(entries.ascending(all))).toEqual([]);
});
