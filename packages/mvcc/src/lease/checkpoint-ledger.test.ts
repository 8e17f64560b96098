import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointLedger } from './checkpoint-ledger.ts';

type Kind = 'checkpoint' | 'reset';

/** Hands out the notes of `handedOut` (C and R), applies those of `applied`, and tells what is left. */
function ledgerAfter(handedOut: string, applied: string): { dirty: boolean; empty: boolean } {
  const ledger = new CheckpointLedger();
  const kindOf = (letter: string): Kind => (letter === 'C' ? 'checkpoint' : 'reset');
  for (const letter of handedOut) ledger.handOut(kindOf(letter));
  for (const letter of applied) ledger.apply(kindOf(letter));
  return { dirty: ledger.dirty, empty: ledger.empty };
}

describe('CheckpointLedger', () => {
  const clean = { dirty: false, empty: true };
  const dirty = { dirty: true, empty: false };
  const resetsLeft = { dirty: false, empty: false };

  it.each([
    ['', '', clean],
    ['C', '', dirty],
    ['C', 'C', clean],
    ['CR', 'R', clean],
    ['CCR', 'R', clean],
    // Two renewals at once asked for a reset; the later reset must not wipe out a checkpoint behind it.
    ['CRRCR', 'CRR', dirty],
    ['CRRCR', 'CRRC', resetsLeft],
    ['CRRCR', 'CRRCR', clean],
    // Lost ones are found out by what comes after them.
    ['CRCR', 'CR', dirty],
    ['CRCR', 'CRR', clean],
    ['RR', 'R', resetsLeft],
    ['C', 'R', dirty],
  ])('handed out %s, applied %s', (handedOut, applied, expected) => {
    expect(ledgerAfter(handedOut, applied)).toEqual(expected);
  });

  it('is never clean while a checkpoint can still be applied, whatever gets lost', () => {
    const step = fc.constantFrom('handOutC', 'handOutR', 'apply', 'lose');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new CheckpointLedger();
        const inFlight: Kind[] = [];
        for (const todo of steps) {
          if (todo === 'handOutC' || todo === 'handOutR') {
            const kind = todo === 'handOutC' ? 'checkpoint' : 'reset';
            inFlight.push(kind);
            ledger.handOut(kind);
          } else {
            const kind = inFlight.shift();
            if (kind !== undefined && todo === 'apply') ledger.apply(kind);
          }
          if (inFlight.includes('checkpoint')) expect(ledger.dirty).toBe(true);
        }
        // However much was lost, one reset that comes through makes it clean.
        ledger.handOut('reset');
        for (const kind of [...inFlight, 'reset' as const]) ledger.apply(kind);
        const again = ledger.dirty;
        ledger.handOut('reset');
        ledger.apply('reset');
        expect(again && ledger.dirty && steps.every((todo) => todo !== 'lose')).toBe(false);
      }),
    );
  });

  it('has room for a few rounds without an answer', () => {
    const ledger = new CheckpointLedger();
    let rounds = 0;
    for (; ledger.hasRoom; rounds += 1) {
      ledger.handOut('checkpoint');
      ledger.handOut('reset');
    }
    expect(rounds).toBe(8);
  });
});
