import type { HeaderFields } from '../grpc/types.ts';

/** What Connect's port knows as `Headers`. Names that HTTP/2 allows and `Headers` doesn't are left out. */
export function toHeaders(fields: HeaderFields, target: Headers = new Headers()): Headers {
  for (const [name, value] of fields) {
    try {
      target.append(name, value);
    } catch {
      // RFC 9113 §8.2.1 lets pass what is no token, and nobody means anything by it.
    }
  }
  return target;
}
