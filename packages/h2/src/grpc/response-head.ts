import type { HeaderBlock } from '../hpack/header-block.ts';
import { FieldId } from '../hpack/header-field.ts';
import { parseContentLength } from '../request-head.ts';
import { FieldMetadata } from './field-metadata.ts';
import { decodeStatusText } from './status-text.ts';
import type { Metadata } from './types.ts';

/** A response's headers or trailers, checked and sorted. Shared by all with the same header block. */
export interface ResponseHead {
  /** `:status`; undefined in trailers. */
  readonly httpStatus: string | undefined;
  readonly isGrpc: boolean;
  /** `grpc-status` as a number; undefined when absent or not one. */
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string;
  readonly metadata: Metadata;
  /** How messages may come compressed (`grpc-encoding`); undefined: they may not. */
  readonly encoding: string | undefined;
  /** -1 when absent, or when it says nothing about this response's content (RFC 9110 §8.6). */
  readonly contentLength: number;
}

/** Remembered instead of a head when the block may not stand in a response. */
const malformed: unique symbol = Symbol('malformed');

/** What a block of a response says, or undefined when it is malformed (RFC 9113 §8.3.2). */
export function responseHeadOf(block: HeaderBlock): ResponseHead | undefined {
  if (block.memo === undefined) block.memo = parse(block) ?? malformed;
  return block.memo === malformed ? undefined : (block.memo as ResponseHead);
}

/**
 * The next part of a response: its headers or trailers, or one of the `interim` responses before them; or
 * it is malformed, and the stream must be reset with PROTOCOL_ERROR (RFC 9113 §8.1).
 */
export function nextHeadOf(
  block: HeaderBlock,
  endStream: boolean,
  hasHead: boolean,
): ResponseHead | 'interim' | 'malformed' {
  const head = block.tooLarge ? undefined : responseHeadOf(block);
  if (head === undefined) return 'malformed';
  const { httpStatus } = head;
  if (hasHead) return endStream && httpStatus === undefined ? head : 'malformed';
  if (httpStatus === undefined) return 'malformed';
  if (!httpStatus.startsWith('1')) return head;
  // There is nothing to switch to in HTTP/2 (RFC 9113 §8.6).
  return endStream || httpStatus === '101' ? 'malformed' : 'interim';
}

function parse(block: HeaderBlock): ResponseHead | undefined {
  let httpStatus: string | undefined;
  let contentType = '';
  let encoding: string | undefined;
  let grpcStatus: number | undefined;
  let grpcMessage = '';
  let contentLength = -1;
  for (const [i, { id, name, value }] of block.fields.entries()) {
    const isPseudo = name.charCodeAt(0) === 0x3a;
    if (isPseudo && (id !== FieldId.status || i > 0)) return undefined;
    if (id === FieldId.invalid || id === FieldId.connectionSpecific) return undefined;
    if (isPseudo) httpStatus = value;
    else if (id === FieldId.contentLength) {
      const length = parseContentLength(value);
      if (length < 0 || (contentLength >= 0 && contentLength !== length)) return undefined;
      contentLength = length;
    } else if (id === FieldId.contentType) contentType = value;
    else if (id === FieldId.grpcEncoding) encoding = value;
    else if (id === FieldId.grpcMessage) grpcMessage = decodeStatusText(value);
    else if (id === FieldId.grpcStatus && /^[0-9]{1,9}$/.test(value)) grpcStatus = Number(value);
  }
  const metadata = new FieldMetadata(block.fields, httpStatus === undefined ? 0 : 1);
  if (metadata.brokenBinary() !== undefined) return undefined;
  if (httpStatus !== undefined && !/^[1-9][0-9]{2}$/.test(httpStatus)) return undefined;
  return {
    httpStatus,
    isGrpc: contentType.startsWith('application/grpc'),
    grpcStatus,
    grpcMessage,
    metadata,
    encoding,
    contentLength: httpStatus === '304' || httpStatus === '204' ? -1 : contentLength,
  };
}
