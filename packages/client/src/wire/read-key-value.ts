import type { KeyValueFields } from '../key-value.ts';
import { delimited, varint, type WireReader } from './wire-reader.ts';

const none = new Uint8Array(0);

/** The revision of a `ResponseHeader` that ends there. */
export function readRevision(reader: WireReader, end: number): bigint {
  let revision = 0n;
  while (!reader.isAtEnd(end)) {
    if (reader.tag() === ((3 << 3) | varint)) revision = reader.int64();
    else reader.skip();
  }
  return revision;
}

/** A `KeyValue` that ends there; its bytes are views of the answer's. */
export function readKeyValue(reader: WireReader, end: number): KeyValueFields {
  let key: Uint8Array = none;
  let value: Uint8Array = none;
  let createRevision = 0n;
  let modRevision = 0n;
  let version = 0n;
  let lease = 0n;
  while (!reader.isAtEnd(end)) {
    switch (reader.tag()) {
      case (1 << 3) | delimited:
        key = reader.bytes();
        break;
      case (2 << 3) | varint:
        createRevision = reader.int64();
        break;
      case (3 << 3) | varint:
        modRevision = reader.int64();
        break;
      case (4 << 3) | varint:
        version = reader.int64();
        break;
      case (5 << 3) | delimited:
        value = reader.bytes();
        break;
      case (6 << 3) | varint:
        lease = reader.int64();
        break;
      default:
        reader.skip();
    }
  }
  return { key, value, createRevision, modRevision, version, lease };
}
