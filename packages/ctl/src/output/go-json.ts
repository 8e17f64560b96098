import { type DescField, type DescMessage, isFieldSet, type Message } from '@bufbuild/protobuf';

// JSON as Go's encoding/json writes etcd's messages: names as in the .proto files, numbers as numbers also where they
// fill 64 bits, bytes as base64, enums as numbers, nothing for zero values.

/** A message on one line. Values of a oneof lie in an object of their own, as Go's structs have them. */
export function goJson(schema: DescMessage, message: Message): string {
  const parts = schema.members.flatMap((member) => {
    if (member.kind === 'oneof') {
      const field = member.fields.find((one) => isFieldSet(message, one));
      if (field === undefined) return [];
      return [`${jsonText(capitalized(member.name))}:{${pair(message, field)}}`];
    }
    return isFieldSet(message, member) && !isEmpty(message, member) ? [pair(message, member)] : [];
  });
  return `{${parts.join(',')}}`;
}

/** Text in double quotes, with the escapes of Go: also of what HTML would take for a tag. */
export function jsonText(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029\x7f]/g, (character) => {
    if (character === '\x7f') return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Bytes as base64, in double quotes. */
export function jsonBytes(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`;
}

function isEmpty(message: Message, field: DescField): boolean {
  const value = fieldValue(message, field);
  return Array.isArray(value) && value.length === 0;
}

function pair(message: Message, field: DescField): string {
  return `${jsonText(field.name)}:${jsonOf(fieldValue(message, field), field)}`;
}

function fieldValue(message: Message, field: DescField): unknown {
  if (field.oneof !== undefined) {
    return (message as unknown as Record<string, { value: unknown }>)[field.oneof.localName]?.value;
  }
  return (message as unknown as Record<string, unknown>)[field.localName];
}

function jsonOf(value: unknown, field: DescField): string {
  if (Array.isArray(value)) return `[${value.map((one) => jsonOf(one, field)).join(',')}]`;
  if (field.message !== undefined) return goJson(field.message, value as Message);
  if (value instanceof Uint8Array) return jsonBytes(value);
  return typeof value === 'string' ? jsonText(value) : String(value);
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
