import type { HeaderBlock } from './hpack/header-block.ts';
import { FieldId, type HeaderField } from './hpack/header-field.ts';

/** A request's header list, checked and sorted. Shared by all requests with the same header block. */
export class RequestHead {
  readonly method: string;
  /** '' in a CONNECT request. */
  readonly scheme: string;
  readonly path: string;
  readonly authority: string;
  /** Undefined when absent. */
  readonly contentType: string | undefined;
  readonly grpcTimeout: string | undefined;
  readonly grpcEncoding: string | undefined;
  /** -1 when absent. */
  readonly contentLength: number;
  /** All fields, the pseudo ones first; `firstRegular` is the index of the first other one. */
  readonly fields: readonly HeaderField[];
  readonly firstRegular: number;
  /** What the layer above derived from this head; belongs to it alone. */
  memo: unknown = undefined;

  constructor(parts: Parts, fields: readonly HeaderField[]) {
    this.method = parts.method ?? '';
    this.scheme = parts.scheme ?? '';
    this.path = parts.path ?? '';
    this.authority = parts.authority ?? parts.host ?? '';
    this.contentType = parts.contentType;
    this.grpcTimeout = parts.grpcTimeout;
    this.grpcEncoding = parts.grpcEncoding;
    this.contentLength = parts.contentLength;
    this.firstRegular = parts.pseudoCount;
    this.fields = fields;
  }
}

interface Parts {
  method: string | undefined;
  scheme: string | undefined;
  path: string | undefined;
  authority: string | undefined;
  host: string | undefined;
  contentType: string | undefined;
  grpcTimeout: string | undefined;
  grpcEncoding: string | undefined;
  contentLength: number;
  pseudoCount: number;
}

/** Remembered instead of a head when the block is no valid request. */
const malformed: unique symbol = Symbol('malformed');

/** The request a block stands for, or undefined when it is malformed (RFC 9113 §8.1.1). */
export function requestHeadOf(block: HeaderBlock): RequestHead | undefined {
  if (block.memo === undefined) block.memo = parse(block.fields) ?? malformed;
  return block.memo === malformed ? undefined : (block.memo as RequestHead);
}

function parse(fields: readonly HeaderField[]): RequestHead | undefined {
  const parts: Parts = {
    method: undefined,
    scheme: undefined,
    path: undefined,
    authority: undefined,
    host: undefined,
    contentType: undefined,
    grpcTimeout: undefined,
    grpcEncoding: undefined,
    contentLength: -1,
    pseudoCount: 0,
  };
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as HeaderField;
    if (field.name.charCodeAt(0) === 0x3a) {
      // Pseudo-header fields come first.
      if (parts.pseudoCount !== i || !takePseudo(parts, field)) return undefined;
      parts.pseudoCount += 1;
    } else if (!takeRegular(parts, field)) {
      return undefined;
    }
  }
  return isComplete(parts) ? new RequestHead(parts, fields) : undefined;
}

/** False when the field may not stand in a request, or not twice. */
function takePseudo(parts: Parts, field: HeaderField): boolean {
  switch (field.id) {
    case FieldId.method:
      if (parts.method !== undefined) return false;
      parts.method = field.value;
      return true;
    case FieldId.scheme:
      if (parts.scheme !== undefined) return false;
      parts.scheme = field.value;
      return true;
    case FieldId.path:
      if (parts.path !== undefined) return false;
      parts.path = field.value;
      return true;
    case FieldId.authority:
      if (parts.authority !== undefined) return false;
      parts.authority = field.value;
      return true;
    default:
      return false;
  }
}

function takeRegular(parts: Parts, field: HeaderField): boolean {
  switch (field.id) {
    case FieldId.invalid:
    case FieldId.connectionSpecific:
      return false;
    case FieldId.te:
      return field.value === 'trailers';
    case FieldId.host:
      if (parts.host !== undefined) return false;
      parts.host = field.value;
      return true;
    case FieldId.contentLength:
      return takeContentLength(parts, field.value);
    case FieldId.contentType:
      parts.contentType ??= field.value;
      return true;
    case FieldId.grpcTimeout:
      parts.grpcTimeout ??= field.value;
      return true;
    case FieldId.grpcEncoding:
      parts.grpcEncoding ??= field.value;
      return true;
    default:
      return true;
  }
}

function takeContentLength(parts: Parts, value: string): boolean {
  const length = parseContentLength(value);
  if (length < 0 || parts.contentLength >= 0) return false;
  parts.contentLength = length;
  return true;
}

/** The bytes that a `content-length` promises, or -1 when it is not valid. */
export function parseContentLength(value: string): number {
  return /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
}

/** RFC 9113 §8.3.1, and §8.5 for CONNECT. */
function isComplete(parts: Parts): boolean {
  if (parts.method === undefined || !isOneAuthority(parts)) return false;
  if (parts.method === 'CONNECT') {
    const hasTarget = parts.authority !== undefined && parts.authority !== '';
    return hasTarget && parts.scheme === undefined && parts.path === undefined;
  }
  if (parts.scheme === undefined || parts.path === undefined) return false;
  if (parts.path.startsWith('/')) return true;
  return parts.path === '*' && parts.method === 'OPTIONS';
}

/** A `host` beside an `:authority` must name the same (RFC 9113 §8.3.1). */
function isOneAuthority({ authority, host, scheme }: Parts): boolean {
  if (authority === undefined || host === undefined || authority === host) return true;
  return normalAuthority(authority, scheme) === normalAuthority(host, scheme);
}

/** Without the port that the scheme has anyway, and in lower case (RFC 3986 §6.2.3). */
function normalAuthority(authority: string, scheme: string | undefined): string {
  const port = scheme === 'https' ? ':443' : ':80';
  const lower = authority.toLowerCase();
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

/** True when the fields may stand in a trailer section: all valid, none of them a pseudo-header. */
export function areTrailers(block: HeaderBlock): boolean {
  if (block.tooLarge) return false;
  for (const field of block.fields) {
    if (field.id === FieldId.invalid || field.id === FieldId.connectionSpecific) return false;
    if (field.name.charCodeAt(0) === 0x3a) return false;
    if (field.id === FieldId.te && field.value !== 'trailers') return false;
    // The body has ended: it is too late to say how long it is, or where it goes (RFC 9110 §6.5.1).
    if (field.id === FieldId.contentLength || field.id === FieldId.host) return false;
  }
  return true;
}
