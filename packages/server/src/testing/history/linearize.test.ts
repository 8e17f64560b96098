import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, linearize, type Model } from './linearize.ts';

/** A register that can be written and read, and whose writes may be without an answer. */
type Op =
  | { readonly kind: 'write'; readonly value: number }
  | { readonly kind: 'read'; readonly value: number };

const register: Model<{ readonly value: number }, Op> = {
  initial: { value: 0 },
  step: (state, op) => {
    if (op.kind === 'write') return { value: op.value };
    return op.value === state.value ? state : undefined;
  },
  digest: ({ value }) => String(value),
};

function call(op: Op, calledAt: number, returnedAt: number = Number.POSITIVE_INFINITY): Call<Op> {
  return { op, calledAt, returnedAt, isRequired: returnedAt < Number.POSITIVE_INFINITY };
}

const write = (value: number): Op => ({ kind: 'write', value });
const read = (value: number): Op => ({ kind: 'read', value });

/** The definition: any order of any set of calls with all answered ones, tried one by one. */
function isLinearizable(calls: readonly Call<Op>[], state = register.initial): boolean {
  if (calls.every(({ isRequired }) => !isRequired)) return true;
  return calls.some((next) => {
    const rest = calls.filter((other) => other !== next);
    if (rest.some((other) => other.isRequired && other.returnedAt < next.calledAt)) return false;
    const after = register.step(state, next.op);
    return after !== undefined && isLinearizable(rest, after);
  });
}

const op = fc.record({
  kind: fc.constantFrom('write', 'read'),
  value: fc.integer({ min: 0, max: 2 }),
}) as fc.Arbitrary<Op>;

const anyCall = fc
  .record({
    op,
    at: fc.integer({ min: 0, max: 12 }),
    takes: fc.integer({ min: 1, max: 8 }),
    isAnswered: fc.boolean(),
  })
  .map(({ op, at, takes, isAnswered }) =>
    call(op, at, isAnswered || op.kind === 'read' ? at + takes : Number.POSITIVE_INFINITY),
  );

describe('linearize', () => {
  it.each<[string, Call<Op>[], 'linearizable' | 'violation']>([
    ['an empty history', [], 'linearizable'],
    ['a read of what was written', [call(write(1), 1, 2), call(read(1), 3, 4)], 'linearizable'],
    ['a stale read', [call(write(1), 1, 2), call(read(0), 3, 4)], 'violation'],
    [
      'a read beside the write, of the old value',
      [call(write(1), 1, 4), call(read(0), 2, 3)],
      'linearizable',
    ],
    [
      'two reads that go back',
      [call(write(1), 1, 9), call(read(1), 2, 3), call(read(0), 4, 5)],
      'violation',
    ],
    [
      'a write without an answer that happened late',
      [call(write(1), 1), call(read(0), 2, 3), call(read(1), 4, 5)],
      'linearizable',
    ],
    ['one that never happened', [call(write(1), 1), call(read(0), 2, 3)], 'linearizable'],
    [
      'one that happened before it was called',
      [call(read(1), 1, 2), call(write(1), 3)],
      'violation',
    ],
  ])('judges %s', (_, calls, kind) => {
    expect(linearize(register, calls).kind).toBe(kind);
  });

  it('agrees with the definition', () => {
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 6 }), (calls) => {
        const verdict = linearize(register, calls);
        expect(verdict.kind === 'linearizable').toBe(isLinearizable(calls));
      }),
      { numRuns: 3000, seed: 7 },
    );
  });

  it('gives an order that explains every answer', () => {
    const calls = [
      call(write(2), 1, 8),
      call(read(1), 2, 5),
      call(write(1), 1, 9),
      call(read(2), 6, 7),
    ];
    const verdict = linearize(register, calls);
    if (verdict.kind !== 'linearizable') throw new Error(verdict.kind);
    expect(verdict.order.map((one) => one.op)).toEqual([write(1), read(1), write(2), read(2)]);
    expect(verdict.state.value).toBe(2);
  });

  it('says how far it came, and which call it could not explain', () => {
    const calls = [call(write(1), 1, 2), call(read(1), 3, 4), call(read(0), 5, 6)];
    expect(linearize(register, calls)).toMatchObject({
      kind: 'violation',
      order: calls.slice(0, 2),
      stuck: calls[2],
      state: { value: 1 },
    });
  });

  it('gives up when the search takes too long', () => {
    const writes = Array.from({ length: 20 }, (_, i) => call(write(i + 1), i));
    expect(linearize(register, [...writes, call(read(-1), 30, 31)], 1000).kind).toBe('undecided');
  });
});
