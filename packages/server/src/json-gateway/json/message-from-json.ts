import { isUtf8 } from 'node:buffer';
import { ProtoWriter } from '../../codec/proto-writer.ts';
import { decodeBase64 } from './base64.ts';
import {
  type Bounds,
  int32Bounds,
  int64Bounds,
  parseInteger,
  uint32Bounds,
  uint64Bounds,
} from './integers.ts';
import { JsonError } from './json-error.ts';
import type { FieldKind, FieldPlan, MessagePlan } from './message-plan.ts';
import { TokenReader } from './token-reader.ts';

/** Messages in messages; transactions may hold fewer of each other (`MAX_TXN_DEPTH`), with two messages for each. */
const MAX_DEPTH = 200;

const integerBounds: Partial<Record<FieldKind, Bounds>> = {
  int32: int32Bounds,
  uint32: uint32Bounds,
  int64: int64Bounds,
  uint64: uint64Bounds,
};

/**
 * A message in wire format from its JSON, a value that `ValueScanner` has cut. Unknown fields, and unknown names of
 * enums, are passed over. Throws `JsonError` in the words of etcd's parser.
 */
export function messageFromJson(plan: MessagePlan, json: Uint8Array): Uint8Array {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const reader = new TokenReader(bytes.toString('utf8'), isUtf8(bytes));
  reader.next();
  const writer = new ProtoWriter(Math.min(bytes.length, 4096) + 16);
  writeMessage(plan, reader, writer, MAX_DEPTH);
  return writer.take();
}

/** Writes the fields of the object whose opening is the reader's token. */
function writeMessage(
  plan: MessagePlan,
  reader: TokenReader,
  writer: ProtoWriter,
  depth: number,
): void {
  if (depth === 0) throw new JsonError('proto: exceeded max recursion depth');
  if (reader.kind !== '{') throw reader.unexpected();
  let seenFields = 0;
  let seenOneofs = 0;
  while (reader.next() !== '}') {
    const field = plan.byName.get(reader.string());
    if (field === undefined) {
      reader.skip();
      continue;
    }
    const { start, raw } = reader;
    const bit = 1 << field.index;
    if ((seenFields & bit) !== 0) throw reader.errorAt(start, `duplicate field ${raw}`);
    seenFields |= bit;
    if (reader.next() === 'null') continue;
    if (field.isList) {
      writeList(field, reader, writer, depth);
      continue;
    }
    if (field.oneof !== undefined) {
      const { index, name } = field.oneof;
      if ((seenOneofs & (1 << index)) !== 0) {
        throw reader.errorAt(start, `error parsing ${raw}, oneof ${name} is already set`);
      }
      seenOneofs |= 1 << index;
    }
    writeValue(field, reader, writer, depth, field.isImplicit);
  }
}

function writeList(
  field: FieldPlan,
  reader: TokenReader,
  writer: ProtoWriter,
  depth: number,
): void {
  if (reader.kind !== '[') throw reader.unexpected();
  const packed = field.isPacked ? new ProtoWriter(64) : undefined;
  while (reader.next() !== ']') {
    if (packed === undefined) writeValue(field, reader, writer, depth, false);
    else {
      const value = integerOf(field, reader);
      if (value !== undefined) packed.int64(value);
    }
  }
  if (packed !== undefined && packed.size > 0) writer.bytes(field.tag, packed.take());
}

/** `mayOmit`: a zero is as good as nothing. */
function writeValue(
  field: FieldPlan,
  reader: TokenReader,
  writer: ProtoWriter,
  depth: number,
  mayOmit: boolean,
): void {
  switch (field.kind) {
    case 'message': {
      const inner = new ProtoWriter(256);
      writeMessage(field.message(), reader, inner, depth - 1);
      writer.bytes(field.tag, inner.take());
      return;
    }
    case 'bytes': {
      const bytes = reader.kind === 'string' ? decodeBase64(reader.string()) : undefined;
      if (bytes === undefined) throw invalid(field, reader);
      if (bytes.length > 0 || !mayOmit) writer.bytes(field.tag, bytes);
      return;
    }
    case 'string': {
      if (reader.kind !== 'string') throw invalid(field, reader);
      const text = reader.string();
      if (text !== '' || !mayOmit) writer.text(field.tag, text);
      return;
    }
    case 'bool': {
      if (reader.kind !== 'bool') throw invalid(field, reader);
      const value = reader.raw === 'true' ? 1 : 0;
      if (value === 1 || !mayOmit) writer.tag(field.tag).uint(value);
      return;
    }
    default: {
      const value = integerOf(field, reader);
      if (value !== undefined && (value !== 0n || !mayOmit)) writer.tag(field.tag).int64(value);
    }
  }
}

/** The number of an integer or enum field; undefined for a name that the enum doesn't have. */
function integerOf(field: FieldPlan, reader: TokenReader): bigint | undefined {
  const { kind, enumType } = field;
  if (enumType !== undefined && reader.kind === 'string') {
    const name = reader.string();
    const found = enumType.values.find((value) => value.name === name);
    return found === undefined ? undefined : BigInt(found.number);
  }
  const isText = enumType === undefined && reader.kind === 'string';
  if (!isText && reader.kind !== 'number') throw invalid(field, reader);
  const value = parseInteger(
    isText ? reader.string() : reader.raw,
    integerBounds[kind] ?? int32Bounds,
  );
  if (value === undefined) throw invalid(field, reader);
  return value;
}

function invalid(field: FieldPlan, reader: TokenReader): JsonError {
  const { kind, jsonName } = field;
  return reader.errorAt(reader.start, `invalid value for ${kind} field ${jsonName}: ${reader.raw}`);
}
