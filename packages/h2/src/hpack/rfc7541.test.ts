import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { HeaderField } from './header-field.ts';

/*
 * RFC 7541 appendix C: sequences of header blocks on one connection, with the table's size after each.
 */

interface Step {
  readonly hex: string;
  readonly fields: readonly string[];
  readonly tableSize: number;
}

const requestFields: readonly (readonly string[])[] = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [
    ':method: GET',
    ':scheme: http',
    ':path: /',
    ':authority: www.example.com',
    'cache-control: no-cache',
  ],
  [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ],
];

const responseFields: readonly (readonly string[])[] = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

const requestSizes = [57, 110, 164];
const responseSizes = [222, 222, 215];

function steps(
  fields: readonly (readonly string[])[],
  sizes: readonly number[],
  hexes: readonly string[],
): Step[] {
  return hexes.map((hex, i) => ({
    hex,
    fields: fields[i] as readonly string[],
    tableSize: sizes[i] as number,
  }));
}

const sequences: readonly { name: string; tableBytes: number; steps: readonly Step[] }[] = [
  {
    name: 'C.2.1 a literal with indexing',
    tableBytes: 4096,
    steps: [
      {
        hex: '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
        fields: ['custom-key: custom-header'],
        tableSize: 55,
      },
    ],
  },
  {
    name: 'C.2.2 a literal without indexing',
    tableBytes: 4096,
    steps: [
      {
        hex: '040c 2f73 616d 706c 652f 7061 7468',
        fields: [':path: /sample/path'],
        tableSize: 0,
      },
    ],
  },
  {
    name: 'C.2.3 a literal never indexed',
    tableBytes: 4096,
    steps: [
      {
        hex: '1008 7061 7373 776f 7264 0673 6563 7265 74',
        fields: ['password: secret'],
        tableSize: 0,
      },
    ],
  },
  {
    name: 'C.2.4 an indexed field',
    tableBytes: 4096,
    steps: [{ hex: '82', fields: [':method: GET'], tableSize: 0 }],
  },
  {
    name: 'C.3 requests without Huffman coding',
    tableBytes: 4096,
    steps: steps(requestFields, requestSizes, [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ]),
  },
  {
    name: 'C.4 requests with Huffman coding',
    tableBytes: 4096,
    steps: steps(requestFields, requestSizes, [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ]),
  },
  {
    name: 'C.5 responses without Huffman coding, with eviction',
    tableBytes: 256,
    steps: steps(responseFields, responseSizes, [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
       6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
       54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
       5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
       3d31`,
    ]),
  },
  {
    name: 'C.6 responses with Huffman coding, with eviction',
    tableBytes: 256,
    steps: steps(responseFields, responseSizes, [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
       2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
       77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
       9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ]),
  },
];

describe('RFC 7541 appendix C', () => {
  it.each(sequences)('$name', ({ tableBytes, steps: blocks }) => {
    const limits = { maxHeaderListBytes: 65_536, maxHeaderFields: 100 };
    const decoder = new HpackDecoder(limits, tableBytes);
    for (const { hex, fields, tableSize } of blocks) {
      const bytes = Buffer.from(hex.replace(/\s/g, ''), 'hex');
      const block = decoder.decode(bytes, 0, bytes.length);
      expect(block.fields.map(({ name, value }) => `${name}: ${value}`)).toEqual(fields);
      expect(decoder.tableSize).toBe(tableSize);
    }
  });

  it.each([
    ['C.1.1', 10, '2a'],
    ['C.1.2', 1337, '3f9a0a'],
  ])('%s the integer %i with a prefix of 5 bits, as the size of a table', (_name, size, hex) => {
    const encoder = new HpackEncoder(size);
    expect(Buffer.from(encoder.encode([])).toString('hex')).toBe(hex);
    const decoder = new HpackDecoder({ maxHeaderListBytes: 65_536, maxHeaderFields: 100 });
    // A field of 1337 bytes has room in the one, and none in the other.
    const value = Buffer.alloc(1337 - 32 - 1, 'y');
    const literal = Buffer.concat([Buffer.from([0x40, 0x01, 0x78, 0x7f, 0x99, 0x09]), value]);
    const bytes = Buffer.concat([Buffer.from(hex, 'hex'), literal]);
    expect(decoder.decode(bytes, 0, bytes.length).fields[0]?.value.length).toBe(1304);
    expect(decoder.tableSize).toBe(size === 1337 ? 1337 : 0);
  });

  it('C.1.3 the integer 42 at an octet boundary, as the length of a string', () => {
    const value = 'y'.repeat(42);
    const encoded = new HpackEncoder().encode([new HeaderField('age', value)]);
    expect(Buffer.from(encoded).toString('latin1')).toBe(`\u000f\u0006\u002a${value}`);
    const decoder = new HpackDecoder({ maxHeaderListBytes: 65_536, maxHeaderFields: 100 });
    const [field] = decoder.decode(Buffer.from(encoded), 0, encoded.length).fields;
    expect(field?.value).toBe(value);
  });

  it('C.4 is also what the encoder writes', () => {
    const encoder = new HpackEncoder();
    const sequence = sequences.find(({ name }) => name.startsWith('C.4'));
    for (const { hex, fields } of sequence?.steps ?? []) {
      const block = fields.map((field) => {
        const colon = field.indexOf(': ');
        return new HeaderField(field.slice(0, colon), field.slice(colon + 2));
      });
      const written = Buffer.from(encoder.encode(block)).toString('hex');
      expect(written).toBe(hex.replace(/\s/g, ''));
    }
  });
});
