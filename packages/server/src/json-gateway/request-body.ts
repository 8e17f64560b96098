import { ValueScanner } from './json/value-scanner.ts';

/** The client has left before its request was complete. */
export class GoneError extends Error {
  override readonly name = 'GoneError';
}

/**
 * The JSON values of a body as they arrive, each borrowed until the next one is asked for. Throws `JsonError` or
 * `BodyTooLargeError` where it can't go on, and `GoneError` when the body breaks off.
 */
export async function* jsonValues(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const scanner = new ValueScanner(maxBytes);
  for await (const piece of untilGone(body)) {
    scanner.push(piece);
    for (let value = scanner.next(); value !== undefined; value = scanner.next()) yield value;
  }
  const last = scanner.end();
  if (last !== undefined) yield last;
}

/** The first value of a body, to which the rest does not matter; undefined: there is none. Throws as `jsonValues`. */
export async function firstValue(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  for await (const value of jsonValues(body, maxBytes)) return value;
  return undefined;
}

/** Whatever a body fails with means that nobody is there any more. */
async function* untilGone(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw new GoneError();
  }
}
