import type { HttpReply, HttpRequest } from '../../http/http-message.ts';
import { goJsonFault } from './go-json-fault.ts';
import { messageReply, type V2Headers } from './replies.ts';

/** Larger than any list of addresses or permissions that makes sense. */
const MAX_BODY_BYTES = 1024 * 1024;

/** A body that can't be what it should be. */
export class JsonRequestError extends Error {
  override readonly name = 'JsonRequestError';
}

/** The JSON of a request's body, or the refusal of another type, or of what is no JSON. */
export async function readJson(
  request: HttpRequest,
  headers: V2Headers,
): Promise<{ readonly value: unknown } | { readonly refusal: HttpReply }> {
  const header = request.header('content-type') ?? '';
  const semicolon = header.indexOf(';');
  const type = semicolon < 0 ? header : header.slice(0, semicolon).toLowerCase().trim();
  if (type !== 'application/json') {
    const text = `Bad Content-Type ${type}, accept application/json`;
    return { refusal: messageReply(415, text, headers) };
  }
  let body: Buffer | undefined;
  try {
    body = await request.body(MAX_BODY_BYTES);
  } catch {
    return { refusal: messageReply(400, 'unexpected EOF', headers) };
  }
  if (body === undefined) {
    const text = `the body has more than ${MAX_BODY_BYTES} bytes`;
    return { refusal: messageReply(413, text, headers) };
  }
  const fault = goJsonFault(body.toString('latin1'));
  if (fault !== undefined) return { refusal: messageReply(400, fault, headers) };
  return { value: JSON.parse(body.toString('utf8')) };
}

/** The fields of an object; none of null. Throws `JsonRequestError` with what Go says of another type. */
export function fieldsOf(value: unknown, goType: string): Record<string, unknown> {
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new JsonRequestError(
      `json: cannot unmarshal ${kindOf(value)} into Go value of type ${goType}`,
    );
  }
  return value as Record<string, unknown>;
}

/** A list of texts; empty for null and for a field that is missing. Throws `JsonRequestError`. */
export function textsOf(value: unknown, field: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrongType(value, field, '[]string');
  return value.map((item: unknown) => textOf(item, field));
}

/** A text; empty for null and for a field that is missing. Throws `JsonRequestError`. */
export function textOf(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw wrongType(value, field, 'string');
  return value;
}

function wrongType(value: unknown, field: string, goType: string): JsonRequestError {
  return new JsonRequestError(
    `json: cannot unmarshal ${kindOf(value)} into Go struct field ${field} of type ${goType}`,
  );
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
