import { HeaderField } from '../hpack/header-field.ts';
import { HeaderTemplate } from '../hpack/header-template.ts';
import type { Refusal } from './call-plan.ts';
import { Status, type StatusCode } from './status.ts';
import { encodeStatusText } from './status-text.ts';

const status200 = new HeaderField(':status', '200');
const grpcContentType = new HeaderField('content-type', 'application/grpc');
const gzipEncoding = new HeaderField('grpc-encoding', 'gzip');
const statusOk = new HeaderField('grpc-status', '0');

/** What the headers of a call's response are made of: they name the message format that the request did. */
export interface ResponseShape {
  readonly contentType: HeaderField;
  readonly template: HeaderTemplate;
  /** What the template lacks. */
  readonly extra: readonly HeaderField[];
}

/** The message formats that are used; others are answered as well, but a little slower. */
const usualSubtypes = ['', 'proto', 'json'];
const onlyStatus = new HeaderTemplate([status200]);
const shapes = shapesWith([]);
const gzipShapes = shapesWith([gzipEncoding]);

/** `subtype` is what follows the plus sign of the request's content type, or ''. */
export function responseShapeOf(subtype: string, isGzip: boolean): ResponseShape {
  const usual = (isGzip ? gzipShapes : shapes).get(subtype);
  if (usual !== undefined) return usual;
  // A template for each would let a client fill the memory with them.
  const contentType = contentTypeOf(subtype);
  const extra = isGzip ? [contentType, gzipEncoding] : [contentType];
  return { contentType, template: onlyStatus, extra };
}

function shapesWith(fields: readonly HeaderField[]): ReadonlyMap<string, ResponseShape> {
  const all = new Map<string, ResponseShape>();
  for (const subtype of usualSubtypes) {
    const contentType = contentTypeOf(subtype);
    const template = new HeaderTemplate([status200, contentType, ...fields]);
    all.set(subtype, { contentType, template, extra: [] });
  }
  return all;
}

function contentTypeOf(subtype: string): HeaderField {
  if (subtype === '') return grpcContentType;
  return new HeaderField('content-type', `application/grpc+${subtype}`);
}

/** The trailers of nearly every call. */
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
  contentType: HeaderField,
  status: StatusCode,
  message: string,
  details: Uint8Array | undefined,
): readonly HeaderField[] {
  return [status200, contentType, ...statusTrailers(status, message, details)];
}

export function refusalFields(refusal: Refusal): readonly HeaderField[] {
  const fields = [
    new HeaderField(':status', String(refusal.httpStatus)),
    contentTypeOf(refusal.subtype),
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
