import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeKeyValue, encodeKeyValue, type KeyValue, withoutValue } from './key-value.ts';

const keyValue: fc.Arbitrary<KeyValue> = fc.record({
  key: fc.uint8Array({ maxLength: 200 }),
  createRevision: fc.maxSafeNat(),
  modRevision: fc.maxSafeNat(),
  version: fc.maxSafeNat(),
  value: fc.uint8Array({ maxLength: 300 }),
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

describe('the wire format of KeyValue', () => {
  it('is what protobuf writes', () => {
    const wire = encodeKeyValue({
      key: Buffer.from('k'),
      createRevision: 2,
      modRevision: 300,
      version: 1,
      value: Buffer.from('val'),
      lease: 1000n,
    });
    expect(Buffer.from(wire).toString('hex')).toBe('0a016b100218ac0220012a0376616c30e807');
  });

  it('leaves out fields that are zero', () => {
    const wire = encodeKeyValue({
      key: Buffer.from('k'),
      createRevision: 0,
      modRevision: 0,
      version: 0,
      value: new Uint8Array(0),
      lease: 0n,
    });
    expect(Buffer.from(wire).toString('hex')).toBe('0a016b');
  });

  it('writes a negative lease in ten bytes', () => {
    const none = new Uint8Array(0);
    const numbers = { createRevision: 0, modRevision: 0, version: 0 };
    const wire = encodeKeyValue({ key: none, value: none, ...numbers, lease: -1n });
    expect(Buffer.from(wire).toString('hex')).toBe('30ffffffffffffffffff01');
  });

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(keyValue, (kv) => {
        expect(decodeKeyValue(encodeKeyValue(kv))).toEqual(kv);
      }),
    );
  });

  it('drops the value, and the lease if asked', () => {
    fc.assert(
      fc.property(keyValue, fc.boolean(), (kv, dropLease) => {
        const stripped = decodeKeyValue(withoutValue(encodeKeyValue(kv), dropLease));
        const lease = dropLease ? 0n : kv.lease;
        expect(stripped).toEqual({ ...kv, value: new Uint8Array(0), lease });
      }),
    );
  });

  it.each([
    ['a cut varint', '1880'],
    ['bytes that are too short', '0a05616263'],
    ['an unknown field', '3a0161'],
    ['a number that is not safe', '18ffffffffffffffffff01'],
    ['a lease without end', '30ffffffffffffffffffffff'],
  ])('says "corrupt" to %s', (_, hex) => {
    expect(() => decodeKeyValue(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'corrupt' }),
    );
  });
});
