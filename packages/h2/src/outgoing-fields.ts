import { H2Error } from './errors.ts';
import { FieldId, HeaderField } from './hpack/header-field.ts';

/**
 * Header fields from outside, made fit for the wire: names in lower case, and without those that belong
 * to a connection of HTTP/1.1. Throws `H2Error` "protocol" for a name or value that HTTP/2 does not allow.
 */
export function outgoingFields(
  headers: Iterable<readonly [string, string]>,
): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  for (const [name, value] of headers) {
    const field = new HeaderField(name.toLowerCase(), value);
    if (field.id === FieldId.connectionSpecific) continue;
    const isPseudo = field.name.startsWith(':');
    if (field.id === FieldId.invalid || isPseudo || !isLatin1(value)) {
      throw new H2Error('protocol', `the header field ${JSON.stringify(name)} cannot be sent`);
    }
    fields.push(field);
  }
  return fields;
}

/** On the wire, a character is a byte. */
function isLatin1(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0xff) return false;
  }
  return true;
}
