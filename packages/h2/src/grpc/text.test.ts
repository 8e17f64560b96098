import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderField } from '../hpack/header-field.ts';
import { outgoingFields } from '../outgoing-fields.ts';
import { FieldMetadata } from './field-metadata.ts';
import { decodeStatusText, encodeStatusText } from './status-text.ts';
import { formatTimeout, parseTimeout } from './timeout.ts';

describe('grpc-timeout', () => {
  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['4m', 4],
    ['5u', 0.005],
    ['6n', 0.000006],
    ['99999999H', 99_999_999 * 3_600_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseTimeout(text)).toBeCloseTo(ms, 9);
  });

  it.each(['', '1', 'S', '1x', '-1S', '1.5S', '123456789S', ' 1S', '1s'])('%o is none', (text) => {
    expect(parseTimeout(text)).toBeUndefined();
  });

  it('is written so that it reads as the same, or a little more', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e11, noNaN: true }), (ms) => {
        const text = formatTimeout(ms);
        expect(text).toMatch(/^[0-9]{1,8}[umS]$/);
        const read = parseTimeout(text) ?? -1;
        expect(read).toBeGreaterThanOrEqual(Math.min(ms, 9.99e10) * (1 - 1e-12));
        expect(read).toBeLessThanOrEqual(ms * 1.00002 + 0.002);
      }),
    );
  });
});

describe('grpc-message', () => {
  it('carries any text as printable ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = encodeStatusText(text);
        expect(encoded).toMatch(/^[ -~]*$/);
        expect(decodeStatusText(encoded)).toBe(text.toWellFormed());
      }),
    );
  });

  it('with broken escapes is kept as it is', () => {
    expect(decodeStatusText('50% of %zz and %4')).toBe('50% of %zz and %4');
  });
});

describe('metadata', () => {
  const fields = [
    [':path', '/x'],
    ['a', '1'],
    ['b-bin', 'AAEC'],
    ['a', '2'],
    ['c-bin', 'AAE=,AAI'],
    ['d-bin', '!'],
  ].map(([name = '', value = '']) => new HeaderField(name, value));
  const metadata = new FieldMetadata(fields, 1);

  it('is looked up by name', () => {
    expect(metadata.get('a')).toBe('1');
    expect(metadata.getAll('a')).toEqual(['1', '2']);
    expect(metadata.get('none')).toBeUndefined();
    expect(metadata.getAll('none')).toEqual([]);
  });

  it('leaves out pseudo-header fields', () => {
    expect(metadata.get(':path')).toBeUndefined();
    expect([...metadata.entries()].length).toBe(5);
  });

  it('decodes binary values, padded or not, and the first of several', () => {
    expect([...(metadata.getBinary('b-bin') ?? [])]).toEqual([0, 1, 2]);
    expect([...(metadata.getBinary('c-bin') ?? [])]).toEqual([0, 1]);
    expect(metadata.getBinary('d-bin')).toBeUndefined();
  });
});

describe('fields that are sent', () => {
  it('are made fit for HTTP/2', () => {
    const fields = outgoingFields([
      ['X-Upper', 'a'],
      ['Transfer-Encoding', 'chunked'],
      ['connection', 'close'],
    ]);
    expect(fields.map(({ name, value }) => [name, value])).toEqual([['x-upper', 'a']]);
  });

  it.each([
    ['a b', 'x'],
    [':status', '200'],
    ['a', 'line\nfeed'],
    ['a', 'snow ☃'],
    ['', 'x'],
  ])('are refused where nothing helps: %o: %o', (name, value) => {
    expect(() => outgoingFields([[name, value]])).toThrow('cannot be sent');
  });
});
