import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyTooLargeError, JsonError } from './json-error.ts';
import { ValueScanner } from './value-scanner.ts';

/** The values of a body that comes in these pieces, and what ended it. */
function scan(pieces: readonly Uint8Array[], maxBytes = 1000): (string | Error)[] {
  const scanner = new ValueScanner(maxBytes);
  const values: (string | Error)[] = [];
  const take = (value: Uint8Array | undefined) => {
    if (value !== undefined) values.push(Buffer.from(value).toString());
    return value !== undefined;
  };
  try {
    for (const piece of pieces) {
      scanner.push(piece);
      while (take(scanner.next()));
    }
    take(scanner.end());
  } catch (error) {
    values.push(error as Error);
  }
  return values;
}

const whole = (text: string) => scan([Buffer.from(text)]);

describe('values in a body', () => {
  it.each([
    ['', []],
    [' \r\n\t', []],
    ['{"ID":"5"}{"ID":"6"} \n {"ID":7}\n', ['{"ID":"5"}', '{"ID":"6"}', '{"ID":7}']],
    [
      '[{}, [], {"a" : [1, -0.5e+3, 0, true, false, null]}]x',
      [
        '[{}, [], {"a" : [1, -0.5e+3, 0, true, false, null]}]',
        new JsonError("invalid character 'x' looking for beginning of value"),
      ],
    ],
    ['12 "a"34', ['12', '"a"', '34']],
    ['0', ['0']],
  ])('%j', (text, values) => {
    expect(whole(text)).toEqual(values);
  });
});

// Taken down from etcd 3.5.16.
describe('what is no JSON is refused in the words of etcd', () => {
  it.each([
    ['abc', "invalid character 'a' looking for beginning of value"],
    ["'", "invalid character '\\'' looking for beginning of value"],
    ['{', 'unexpected EOF'],
    ['{"key":"YQ==",', 'unexpected EOF'],
    ['tru', 'unexpected EOF'],
    ['-', 'unexpected EOF'],
    ['{x', "invalid character 'x' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a"1', "invalid character '1' after object key"],
    ['{"a":1"', `invalid character '"' after object key:value pair`],
    ['[1 2', "invalid character '2' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['"a\n', "invalid character '\\n' in string literal"],
    ['"\\x', "invalid character 'x' in string escape code"],
    ['"\\u12g', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ['1e+x', "invalid character 'x' in exponent of numeric literal"],
    ['nul!', "invalid character '!' in literal null (expecting 'l')"],
    ['\u00e9', "invalid character 'Ã' looking for beginning of value"],
  ])('%j', (text, message) => {
    expect(whole(text)).toEqual([new JsonError(message)]);
  });

  it('nesting without end', () => {
    expect(scan([Buffer.from('['.repeat(10_001))], 20_000)).toEqual([
      new JsonError('exceeded max depth'),
    ]);
  });
});

describe('a value that is too large', () => {
  it.each(['{"a":"bcdef"}', '{"a":"bcdefghijkl'])('ends the body: %s', (text) => {
    expect(scan([Buffer.from(text)], 12)).toEqual([new BodyTooLargeError()]);
    expect(
      scan(
        [...Buffer.from(text)].map((byte) => Uint8Array.of(byte)),
        12,
      ),
    ).toEqual([new BodyTooLargeError()]);
  });
});

describe('for all texts', () => {
  const noisy = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[],:"\\0-.eE tfnux1\n'))
    .map(([text, at, char]) => {
      const where = at % (text.length + 1);
      return text.slice(0, where) + char + text.slice(where + (at % 2));
    });

  it('the pieces make no difference', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), noisy), fc.array(fc.nat(20)), (text, cuts) => {
        const pieces: Uint8Array[] = [];
        let rest: Buffer = Buffer.from(text);
        for (const cut of cuts) {
          pieces.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        expect(scan([...pieces, rest])).toEqual(scan([Buffer.from(text)]));
      }),
    );
  });

  it('one is a value when JavaScript says so', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), noisy), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        const values = whole(text);
        expect(values.length === 1 && values[0] === text.trim()).toBe(isJson);
      }),
    );
  });
});
