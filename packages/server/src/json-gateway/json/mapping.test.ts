import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import {
  etcdServices,
  LeaseGrantRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  UserSchema,
  WatchRequestSchema,
} from '@kvorum/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonError } from './json-error.ts';
import { messageFromJson } from './message-from-json.ts';
import { MessagePlan } from './message-plan.ts';
import { messageToJson } from './message-to-json.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** The message in wire format: not as a Buffer, which compares as something else. */
function wire(message: DescMessage, text: string): Uint8Array {
  return Uint8Array.from(messageFromJson(MessagePlan.of(message), bytesOf(text)));
}

function read(message: DescMessage, text: string): unknown {
  return fromBinary(message, wire(message, text));
}

/** The JSON value of a scalar, as the mapping writes it. */
function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  const signed = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT32:
      return fc.integer();
    case ScalarType.UINT32:
      return fc.nat({ max: 2 ** 32 - 1 });
    case ScalarType.INT64:
      return fc.bigInt(signed).map(String);
    case ScalarType.UINT64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
    case ScalarType.BYTES:
      return fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64'));
    default:
      return fc.string({ unit: 'binary' });
  }
}

function jsonValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const one =
    field.message !== undefined
      ? jsonOf(field.message, depth - 1)
      : field.enum !== undefined
        ? fc.constantFrom(...field.enum.values.map(({ name }) => name))
        : scalar(field.scalar ?? ScalarType.STRING);
  return field.fieldKind === 'list' ? fc.array(one, { maxLength: 2 }) : one;
}

/** Any message as JSON. */
function jsonOf(message: DescMessage, depth = 3): fc.Arbitrary<Record<string, unknown>> {
  const fields = message.fields.filter((field) => depth > 0 || field.message === undefined);
  const chosen = fc.subarray([...fields]).chain((some) => {
    const seen = new Set<unknown>();
    const alone = some.filter(({ oneof }) => {
      if (oneof === undefined) return true;
      return !seen.has(oneof) && seen.add(oneof) !== undefined;
    });
    return fc.tuple(
      ...alone.map((field) => jsonValue(field, depth).map((value) => [field, value] as const)),
    );
  });
  return chosen.map((pairs) =>
    Object.fromEntries(pairs.map(([field, value]) => [field.name, value])),
  );
}

const messages = [
  ...new Set(
    etcdServices
      .filter(({ typeName }) => !typeName.startsWith('grpc.'))
      .flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output])),
  ),
];

describe.each(messages.map((message) => [message.name, message] as const))(
  '%s',
  (_name, message) => {
    const plan = MessagePlan.of(message);

    it('is read and written as by the generated code', () => {
      fc.assert(
        fc.property(jsonOf(message), (json) => {
          const bytes = wire(message, JSON.stringify(json));
          const expected = fromJson(message, json as never);
          expect(fromBinary(message, bytes)).toEqual(expected);
          const text = [...messageToJson(plan, toBinary(message, expected))].join('');
          expect(JSON.parse(text)).toEqual(toJson(message, expected, { useProtoFieldName: true }));
        }),
        { numRuns: 20 },
      );
    });
  },
);

describe('requests', () => {
  it('may use either name of a field, numbers for texts and the reverse, and numbers of enums', () => {
    const expected = create(RangeRequestSchema, {
      key: bytesOf('a'),
      rangeEnd: bytesOf('b'),
      limit: 5n,
      revision: 9_007_199_254_740_993n,
      sortOrder: 2,
      sortTarget: 7 as never,
    });
    const texts = [
      '{"key":"YQ==","range_end":"Yg==","limit":5,"revision":9007199254740993,"sort_order":"DESCEND","sort_target":7}',
      '{"key":"YQ","rangeEnd":"Yg","limit":"5","revision":"9007199254740993","sortOrder":2,"sortTarget":7.0}',
      '{"limit":50e-1,"\\u006bey":"Y\\u0051==","range_end":"Yg==","revision":9007199254740993,"sort_order":2e0,"sort_target":7}',
    ];
    for (const text of texts) expect(read(RangeRequestSchema, text)).toEqual(expected);
  });

  it('may hold what nobody knows, and null for nothing', () => {
    const text = '{"nope":[{"a":["}]"]}],"key":"YQ==","lease":null,"x":"\\"","sort_order":"NOPE"}';
    expect(read(PutRequestSchema, text)).toEqual(create(PutRequestSchema, { key: bytesOf('a') }));
  });

  it('may have bytes in either alphabet of base64', () => {
    const put = create(PutRequestSchema, { key: Uint8Array.of(255, 239), value: bytesOf('ab') });
    for (const text of ['{"key":"/+8=","value":"YWI="}', '{"key":"_-8","value":"YWI"}']) {
      expect(read(PutRequestSchema, text)).toEqual(put);
    }
  });

  it('need not say what is zero', () => {
    const text = '{"key":"","value":"","lease":"0","prev_kv":false,"ignore_value":false}';
    expect(wire(PutRequestSchema, text)).toHaveLength(0);
  });
});

// Taken down from etcd 3.5.16, but for what would take it too long.
describe('requests that are none are refused in the words of etcd', () => {
  const nested = (depth: number) =>
    '{"success":[{"request_txn":'.repeat(depth) + '{}'.padEnd(2 + 3 * depth, '}]}');
  it.each([
    [PutRequestSchema, '[]', 'proto: syntax error (line 1:1): unexpected token ['],
    [PutRequestSchema, '"x"', 'proto: syntax error (line 1:1): unexpected token "x"'],
    [PutRequestSchema, 'null', 'proto: syntax error (line 1:1): unexpected token null'],
    [
      PutRequestSchema,
      '{"key":"!!!"}',
      'proto: (line 1:8): invalid value for bytes field key: "!!!"',
    ],
    [
      PutRequestSchema,
      '{"key":"YQ="}',
      'proto: (line 1:8): invalid value for bytes field key: "YQ="',
    ],
    [PutRequestSchema, '{"key":5}', 'proto: (line 1:8): invalid value for bytes field key: 5'],
    [
      PutRequestSchema,
      '{"lease":"x"}',
      'proto: (line 1:10): invalid value for int64 field lease: "x"',
    ],
    [
      PutRequestSchema,
      '{"lease":" 1"}',
      'proto: (line 1:10): invalid value for int64 field lease: " 1"',
    ],
    [
      PutRequestSchema,
      '{"lease":1.5}',
      'proto: (line 1:10): invalid value for int64 field lease: 1.5',
    ],
    [
      PutRequestSchema,
      '{"lease":99999999999999999999}',
      'proto: (line 1:10): invalid value for int64 field lease: 99999999999999999999',
    ],
    [
      PutRequestSchema,
      '{\n "é": 1, "prev_kv": "true"}',
      'proto: (line 2:21): invalid value for bool field prevKv: "true"',
    ],
    [PutRequestSchema, '{"key":"YQ==","key":"Yg=="}', 'proto: (line 1:15): duplicate field "key"'],
    [
      RangeRequestSchema,
      '{"sort_order":true}',
      'proto: (line 1:15): invalid value for enum field sortOrder: true',
    ],
    [
      RangeRequestSchema,
      '{"sort_order":"NONE","sort_target":[]}',
      'proto: (line 1:36): invalid value for enum field sortTarget: [',
    ],
    [TxnRequestSchema, '{"compare":{}}', 'proto: syntax error (line 1:12): unexpected token {'],
    [
      TxnRequestSchema,
      '{"compare":[null]}',
      'proto: syntax error (line 1:13): unexpected token null',
    ],
    [
      TxnRequestSchema,
      '{"compare":[{"key":"YQ==","version":"1","value":"YQ=="}]}',
      'proto: (line 1:41): error parsing "value", oneof etcdserverpb.Compare.target_union is already set',
    ],
    [
      WatchRequestSchema,
      '{"create_request":{"filters":"NOPUT"}}',
      'proto: syntax error (line 1:30): unexpected token "NOPUT"',
    ],
    [PutRequestSchema, '{"value":"\\ud800"}', 'proto: unexpected EOF'],
    [
      PutRequestSchema,
      '{"value":"\\ud800 and more"}',
      'proto: syntax error (line 1:10): invalid escape code " and m" in string',
    ],
    [PutRequestSchema, '{"nope":["\\ude00"]}', 'proto: unexpected EOF'],
    [TxnRequestSchema, nested(150), 'proto: exceeded max recursion depth'],
  ])('%o %s', (message, text, error) => {
    expect(() => read(message, text)).toThrow(new JsonError(error));
  });

  it('bytes that are no UTF-8', () => {
    const bytes = Buffer.concat([bytesOf('{"value":"'), Uint8Array.of(0xff), bytesOf('"}')]);
    expect(() => messageFromJson(MessagePlan.of(PutRequestSchema), bytes)).toThrow(
      new JsonError('proto: syntax error (line 1:10): invalid UTF-8 in string'),
    );
  });
});

describe('answers', () => {
  it('leave out zeros and unknown fields, and write numbers of enums that have no name', () => {
    const plan = MessagePlan.of(RangeRequestSchema);
    const message = create(RangeRequestSchema, {
      sortOrder: 9 as never,
      sortTarget: 0,
      limit: -1n,
    });
    const bytes = Buffer.concat([toBinary(RangeRequestSchema, message), Uint8Array.of(0x98, 6, 1)]);
    expect([...messageToJson(plan, bytes)]).toEqual(['{"limit":"-1","sort_order":9}']);
  });

  it('have the fields in the order of the .proto file', () => {
    const grant = MessagePlan.of(LeaseGrantRequestSchema);
    const bytes = Uint8Array.of(0x10, 5, 0x08, 7);
    expect([...messageToJson(grant, bytes)]).toEqual(['{"TTL":"7","ID":"5"}']);
  });

  it('come in pieces when they are large, and say the same', () => {
    const value = Buffer.alloc(1000, 'v');
    const kvs = Array.from({ length: 500 }, (_, i) => ({ key: bytesOf(`k${i}`), value }));
    const message = create(RangeResponseSchema, { header: {}, kvs, count: 500n });
    const pieces = [
      ...messageToJson(MessagePlan.of(RangeResponseSchema), toBinary(RangeResponseSchema, message)),
    ];
    expect(pieces.length).toBeGreaterThan(5);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100_000);
    expect(JSON.parse(pieces.join(''))).toEqual(
      toJson(RangeResponseSchema, message, { useProtoFieldName: true }),
    );
  });

  it('escape what JSON escapes', () => {
    const plan = MessagePlan.of(UserSchema);
    const user = create(UserSchema, { roles: ['a"\\\n', ''] });
    expect([...messageToJson(plan, toBinary(UserSchema, user))]).toEqual([
      '{"roles":["a\\"\\\\\\n",""]}',
    ]);
  });
});
