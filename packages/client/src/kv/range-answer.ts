import type { KeyValueFields } from '../key-value.ts';
import { readKeyValue, readRevision } from '../wire/read-key-value.ts';
import { delimited, varint, WireReader } from '../wire/wire-reader.ts';

/** What a `RangeResponse` says. */
export interface RangeAnswer {
  /** Keys and values are views of the answer's bytes: whoever keeps one keeps them all. */
  readonly kvs: readonly KeyValueFields[];
  readonly count: number;
  readonly more: boolean;
  /** Of the header. */
  readonly revision: bigint;
}

/**
 * Reads the wire format of a `RangeResponse`, which is most of what a client does with a large range: five times as
 * quick as the generated code, which knows messages of any kind. Throws `ClientError` "unmapped" for bytes that are none.
 */
export function readRangeAnswer(bytes: Uint8Array): RangeAnswer {
  const reader = new WireReader(bytes, 'range');
  const kvs: KeyValueFields[] = [];
  let count = 0;
  let more = false;
  let revision = 0n;
  while (!reader.isAtEnd(bytes.length)) {
    switch (reader.tag()) {
      case (1 << 3) | delimited:
        revision = readRevision(reader, reader.end());
        break;
      case (2 << 3) | delimited:
        kvs.push(readKeyValue(reader, reader.end()));
        break;
      case (3 << 3) | varint:
        more = reader.number() !== 0;
        break;
      case (4 << 3) | varint:
        count = reader.number();
        break;
      default:
        reader.skip();
    }
  }
  return { kvs, count, more, revision };
}
