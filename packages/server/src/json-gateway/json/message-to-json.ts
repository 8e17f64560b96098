import { ProtoReader } from '../../codec/proto-reader.ts';
import type { FieldPlan, MessagePlan } from './message-plan.ts';

/** Wire bytes that are written in one go; larger messages come in pieces, so that others have their turn. */
const PIECE_BYTES = 64 * 1024;

/** What was found of a field: the text of its value, or of each value of a list; large messages as they are. */
type Found = string | Uint8Array;

/** A message as JSON, as etcd writes it: names of the .proto file, zeros left out. For messages of any size. */
export function* messageToJson(plan: MessagePlan, message: Uint8Array): Generator<string> {
  if (message.length <= PIECE_BYTES) {
    yield messageText(plan, message);
    return;
  }
  const found = findFields(plan, message);
  let text = '{';
  let isFirst = true;
  for (const field of plan.fields) {
    const values = found[field.index];
    if (values === undefined) continue;
    text += `${isFirst ? '' : ','}"${field.name}":${field.isList ? '[' : ''}`;
    isFirst = false;
    for (let i = 0; i < values.length; i++) {
      if (i > 0) text += ',';
      const value = values[i] as Found;
      if (typeof value !== 'string' && value.length > PIECE_BYTES) {
        yield text;
        text = '';
        yield* messageToJson(field.message(), value);
        continue;
      }
      text += typeof value === 'string' ? value : messageText(field.message(), value);
      if (text.length < PIECE_BYTES) continue;
      yield text;
      text = '';
    }
    if (field.isList) text += ']';
  }
  yield `${text}}`;
}

function messageText(plan: MessagePlan, message: Uint8Array): string {
  const found = findFields(plan, message);
  let text = '';
  for (const field of plan.fields) {
    const values = found[field.index];
    if (values === undefined) continue;
    text += `${text === '' ? '' : ','}"${field.name}":`;
    const texts = values.map((value) =>
      typeof value === 'string' ? value : messageText(field.message(), value),
    );
    text += field.isList ? `[${texts.join(',')}]` : texts[0];
  }
  return `{${text}}`;
}

/** By the position of the field; the last value counts where there may be one. */
function findFields(plan: MessagePlan, message: Uint8Array): (Found[] | undefined)[] {
  const found = new Array<Found[] | undefined>(plan.fields.length);
  const reader = new ProtoReader(message);
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    const field = plan.byNumber.get(number);
    if (field === undefined) {
      reader.skip();
      continue;
    }
    if (field.isList) {
      const values = found[field.index] ?? [];
      found[field.index] = values;
      readElements(field, reader, values);
      continue;
    }
    const value = readValue(field, reader);
    found[field.index] = isZero(field, value) ? undefined : [value];
  }
  return found;
}

function readElements(field: FieldPlan, reader: ProtoReader, values: Found[]): void {
  if (!field.isPacked || reader.wireType !== 2) {
    values.push(readValue(field, reader));
    return;
  }
  const packed = reader.bytes();
  const inner = new ProtoReader(packed);
  while (inner.pos < packed.length) values.push(readValue(field, inner));
}

function readValue(field: FieldPlan, reader: ProtoReader): Found {
  switch (field.kind) {
    case 'message':
      return reader.bytes();
    case 'bytes': {
      const bytes = reader.bytes();
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return `"${view.toString('base64')}"`;
    }
    case 'string': {
      const bytes = reader.bytes();
      return JSON.stringify(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
      );
    }
    case 'bool':
      return reader.uint() === 0 ? 'false' : 'true';
    case 'int64':
      return `"${integerText(reader, 64)}"`;
    case 'uint64':
      return `"${integerText(reader, 0)}"`;
    case 'enum': {
      const number = Number(integerText(reader, 32));
      const name = field.enumType?.value[number]?.name;
      return name === undefined ? String(number) : `"${name}"`;
    }
    default:
      return integerText(reader, field.kind === 'int32' ? 32 : 0);
  }
}

/** The digits of a varint; `signBits`: those of the signed type it is of, or 0. */
function integerText(reader: ProtoReader, signBits: number): string {
  const start = reader.pos;
  const value = reader.uint();
  if (value <= Number.MAX_SAFE_INTEGER && (signBits !== 32 || value < 2 ** 31)) {
    return String(value);
  }
  reader.pos = start;
  const exact = reader.int64();
  return String(signBits === 0 ? BigInt.asUintN(64, exact) : BigInt.asIntN(signBits, exact));
}

function isZero(field: FieldPlan, value: Found): boolean {
  if (!field.isImplicit || typeof value !== 'string') return false;
  switch (field.kind) {
    case 'bool':
      return value === 'false';
    case 'int64':
    case 'uint64':
      return value === '"0"';
    case 'enum':
      return value === `"${field.enumType?.values[0]?.name}"`;
    case 'int32':
    case 'uint32':
      return value === '0';
    default:
      return value === '""';
  }
}
