import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RaftError } from '../errors.ts';
import type { Entry, EntryType } from '../types.ts';
import { decodeConfChange, encodeConfChange, encodeConfChangeV2 } from './codec.ts';

const entry = (type: EntryType, data: Uint8Array): Entry => ({ term: 1, index: 1, type, data });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const type = fc.constantFrom(
  'addNode' as const,
  'removeNode' as const,
  'updateNode' as const,
  'addLearnerNode' as const,
);
const context = fc.uint8Array({ maxLength: 200 });
const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');

describe('membership changes as bytes', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.record({ id: uint64, type, nodeId: uint64, context }), (change) => {
        expect(decodeConfChange(entry('confChange', encodeConfChange(change)))).toEqual(change);
      }),
    );
    const transition = fc.constantFrom(
      'auto' as const,
      'jointImplicit' as const,
      'jointExplicit' as const,
    );
    const changes = fc.array(fc.record({ type, nodeId: uint64 }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.record({ transition, changes, context }), (change) => {
        const data = encodeConfChangeV2(change);
        expect(decodeConfChange(entry('confChangeV2', data))).toEqual(change);
      }),
    );
  });

  it('are those of raftpb', () => {
    const change = { id: 1n, type: 'removeNode' as const, nodeId: 300n, context: Uint8Array.of(7) };
    expect(hex(encodeConfChange(change))).toBe('0801100118ac02220107');
    const v2 = encodeConfChangeV2({
      transition: 'jointExplicit',
      changes: [{ type: 'addLearnerNode', nodeId: 2n }],
      context: new Uint8Array(0),
    });
    expect(hex(v2)).toBe('0802120408031002');
  });

  it('may leave out what is zero', () => {
    const empty = new Uint8Array(0);
    expect(decodeConfChange(entry('confChange', empty))).toMatchObject({ id: 0n, type: 'addNode' });
    expect(decodeConfChange(entry('confChangeV2', empty))).toMatchObject({ changes: [] });
  });

  it('are refused with an error of this package when they are anything else', () => {
    expect(() => decodeConfChange(entry('normal', new Uint8Array(0)))).toThrow(RaftError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.boolean(), (data, v2) => {
        try {
          decodeConfChange(entry(v2 ? 'confChangeV2' : 'confChange', data));
        } catch (error) {
          expect(error).toMatchObject({ name: 'RaftError', code: 'confChange' });
        }
      }),
    );
  });
});
