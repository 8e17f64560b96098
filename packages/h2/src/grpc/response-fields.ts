import { HeaderField } from '../hpack/header-field.ts';
import { HeaderTemplate } from '../hpack/header-template.ts';
import type { Refusal } from './call-plan.ts';
import { Status, type StatusCode } from './status.ts';
import { encodeStatusText } from './status-text.ts';

const status200 = new HeaderField(':status', '200');
const grpcContentType = new HeaderField('content-type', 'application/grpc');
const statusOk = new HeaderField('grpc-status', '0');

/** Response headers and trailers of nearly every call. */
export const responseHead = new HeaderTemplate([status200, grpcContentType]);
export const gzipResponseHead = new HeaderTemplate([
  status200,
  grpcContentType,
  new HeaderField('grpc-encoding', 'gzip'),
]);
export const okTrailers = new HeaderTemplate([statusOk]);

/** The trailers of a call that has sent its headers. */
export function statusTrailers(
  status: StatusCode,
  message: string,
  details: Uint8Array | undefined,
): readonly HeaderField[] {
  const fields = [status === Status.ok ? statusOk : new HeaderField('grpc-status', String(status))];
  if (message !== '') fields.push(new HeaderField('grpc-message', encodeStatusText(message)));
  if (details !== undefined) {
    fields.push(new HeaderField('grpc-status-details-bin', unpaddedBase64(details)));
  }
  return fields;
}

/** Headers and trailers in one, for a call that has sent nothing. */
export function trailersOnly(
  status: StatusCode,
  message: string,
  details: Uint8Array | undefined,
): readonly HeaderField[] {
  return [status200, grpcContentType, ...statusTrailers(status, message, details)];
}

export function refusalFields(refusal: Refusal): readonly HeaderField[] {
  const fields = [
    new HeaderField(':status', String(refusal.httpStatus)),
    grpcContentType,
    ...statusTrailers(refusal.status, refusal.message, undefined),
  ];
  if (refusal.acceptEncoding !== undefined) {
    fields.push(new HeaderField('grpc-accept-encoding', refusal.acceptEncoding));
  }
  return fields;
}

function unpaddedBase64(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('base64').replace(/=+$/, '');
}
