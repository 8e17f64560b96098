import { Code, ConnectError } from '@connectrpc/connect';
import { mergeNonProtocolHeaders } from '@connectrpc/connect/protocol';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { CallError, type CallStatus } from '../grpc/call-status.ts';
import type { Metadata } from '../grpc/types.ts';
import { toHeaders } from './headers.ts';

const detailsField = 'grpc-status-details-bin';

/** What a handler threw, as Connect's own handlers tell it to clients: other errors are nobody's business. */
export function errorOfHandler(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  return new ConnectError('internal error', Code.Internal, undefined, undefined, thrown);
}

/** An error's details as a serialized google.rpc.Status; undefined when it has none, or none that can be sent. */
export function detailsOf(error: ConnectError): Uint8Array | undefined {
  if (error.details.length === 0) return undefined;
  try {
    const fields = setTrailerStatus(new Headers(), error);
    return Buffer.from(fields.get(detailsField) ?? '', 'base64');
  } catch {
    return undefined;
  }
}

/** Adds the metadata of an error to the trailers it goes out with, as Connect's own handlers do. */
export function addErrorMetadata(trailers: Headers, error: ConnectError): void {
  if (!error.isWireError) mergeNonProtocolHeaders(trailers, error.metadata);
}

/** The error that a call's status stands for; its metadata are the trailers and, if any, the headers. */
export function errorOfStatus(status: CallStatus, head?: Metadata): ConnectError {
  const metadata = toHeaders(status.metadata.entries());
  if (head !== undefined) toHeaders(head.entries(), metadata);
  const code = status.status in Code ? status.status : Code.Unknown;
  const error = new ConnectError(status.message, code, metadata);
  error.isWireError = true;
  if (status.details !== undefined) error.details = incomingDetails(status.details);
  return error;
}

/** What became of a request, in Connect's terms. */
export function errorOfRequest(thrown: unknown): ConnectError {
  return thrown instanceof CallError ? errorOfStatus(thrown.callStatus) : ConnectError.from(thrown);
}

/** Details that cannot be read are left out: the status counts more. */
function incomingDetails(details: Uint8Array): ConnectError['details'] {
  const base64 = Buffer.from(details.buffer, details.byteOffset, details.byteLength);
  try {
    const fields = new Headers([[detailsField, base64.toString('base64')]]);
    return findTrailerError(fields)?.details ?? [];
  } catch {
    return [];
  }
}
