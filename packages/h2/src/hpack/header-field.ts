/**
 * Names that the transport looks at, by number, so that a header block is sorted with one integer
 * switch instead of string comparisons. `other` is every valid name it does not know.
 */
export const FieldId = {
  /** The name or the value holds what RFC 9113 §8.2.1 forbids: the message is malformed. */
  invalid: 0,
  other: 1,
  authority: 2,
  method: 3,
  path: 4,
  scheme: 5,
  status: 6,
  /** A pseudo-header field that is not defined. */
  unknownPseudo: 7,
  /** Belongs to a connection, so HTTP/2 forbids it (RFC 9113 §8.2.2). */
  connectionSpecific: 8,
  te: 9,
  host: 10,
  contentLength: 11,
  contentType: 12,
  grpcTimeout: 13,
  grpcEncoding: 14,
  grpcStatus: 15,
  grpcMessage: 16,
  grpcStatusDetails: 17,
} as const;

const idByName: ReadonlyMap<string, number> = new Map([
  [':authority', FieldId.authority],
  [':method', FieldId.method],
  [':path', FieldId.path],
  [':scheme', FieldId.scheme],
  [':status', FieldId.status],
  ['connection', FieldId.connectionSpecific],
  ['keep-alive', FieldId.connectionSpecific],
  ['proxy-connection', FieldId.connectionSpecific],
  ['transfer-encoding', FieldId.connectionSpecific],
  ['upgrade', FieldId.connectionSpecific],
  ['te', FieldId.te],
  ['host', FieldId.host],
  ['content-length', FieldId.contentLength],
  ['content-type', FieldId.contentType],
  ['grpc-timeout', FieldId.grpcTimeout],
  ['grpc-encoding', FieldId.grpcEncoding],
  ['grpc-status', FieldId.grpcStatus],
  ['grpc-message', FieldId.grpcMessage],
  ['grpc-status-details-bin', FieldId.grpcStatusDetails],
]);

/** What a field counts in a table or list besides its text (RFC 7541 §4.1). */
export const fieldOverheadBytes = 32;

/** One header field. Immutable; shared between header lists and dynamic tables. */
export class HeaderField {
  readonly name: string;
  /** One character per byte (latin1). */
  readonly value: string;
  /** A `FieldId`; `invalid` when name or value break RFC 9113 §8.2.1 or §8.3.1. */
  readonly id: number;
  /** The id of the name alone, for fields that reuse the name with another value. */
  readonly nameId: number;
  /** Bytes it counts in a table or list. */
  readonly size: number;

  constructor(name: string, value: string, nameId: number = fieldNameId(name)) {
    this.name = name;
    this.value = value;
    this.nameId = nameId;
    this.id = isFieldValue(value) && isPseudoValue(nameId, value) ? nameId : FieldId.invalid;
    this.size = name.length + value.length + fieldOverheadBytes;
  }
}

/** Bytes that fields count in a header list (RFC 9113 §6.5.2). */
export function listBytes(fields: readonly HeaderField[]): number {
  let bytes = 0;
  for (const field of fields) bytes += field.size;
  return bytes;
}

/** The `FieldId` of a name alone. */
export function fieldNameId(name: string): number {
  const known = idByName.get(name);
  if (known !== undefined) return known;
  if (name.charCodeAt(0) === 0x3a) return FieldId.unknownPseudo;
  return isFieldName(name) ? FieldId.other : FieldId.invalid;
}

/** A token (RFC 9110 §5.6.2) in lower case: what RFC 9113 §8.2.1 asks for, and no other signs than HTTP knows. */
function isFieldName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name);
}

/**
 * No NUL, LF or CR anywhere, no blank at either end: RFC 9113 §8.2.1. Nor any other control character, which RFC 9110
 * §5.5 calls invalid and RFC 9113 lets us refuse.
 */
function isFieldValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  for (let i = 0; i < length; i++) {
    const c = value.charCodeAt(i);
    if ((c < 0x20 && c !== 0x09) || c === 0x7f) return false;
  }
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1));
}

/** What the pseudo-header fields of a request may say (RFC 9113 §8.3.1; RFC 9110 §5.6.2, RFC 3986). */
function isPseudoValue(nameId: number, value: string): boolean {
  switch (nameId) {
    case FieldId.method:
      return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value);
    case FieldId.scheme:
      return /^[A-Za-z][A-Za-z0-9+.-]*$/.test(value);
    case FieldId.path:
      return !hasBlank.test(value);
    case FieldId.authority:
      // No user information: it would be a password, sent to whoever reads logs. Left out, not empty.
      return value !== '' && !value.includes('@') && !hasBlank.test(value);
    default:
      return true;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const hasBlank = /[\x00-\x20\x7f]/;

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}
