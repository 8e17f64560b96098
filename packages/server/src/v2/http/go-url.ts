/*
 * How Go reads paths, queries and forms. All texts are of bytes: characters of latin1, one for each byte.
 */

/** A fault in a query or form, in Go's words. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

/** Names and values in order, the first value of a name first. */
export type Form = ReadonlyMap<string, readonly string[]>;

/** Decodes the escapes of a path. Throws `FormError`. */
export function unescapePath(path: string): string {
  return decoded(path);
}

/**
 * Reads `a=1&b=2`. What can't be read is left out, and the first fault told; a semicolon is one that hides others, as in
 * Go.
 */
export function parseQuery(text: string): { form: Form; error: FormError | undefined } {
  const form = new Map<string, string[]>();
  let error: FormError | undefined;
  for (const part of text.split('&')) {
    if (part.includes(';')) {
      error = new FormError('invalid semicolon separator in query');
      continue;
    }
    if (part === '') continue;
    const equals = part.indexOf('=');
    try {
      const name = unescapeQuery(equals < 0 ? part : part.slice(0, equals));
      const value = equals < 0 ? '' : unescapeQuery(part.slice(equals + 1));
      const values = form.get(name);
      if (values === undefined) form.set(name, [value]);
      else values.push(value);
    } catch (fault) {
      if (!(fault instanceof FormError)) throw fault;
      error ??= fault;
    }
  }
  return { form, error };
}

/** One form out of two; values of the first come first. */
export function joinForms(first: Form, second: Form): Form {
  if (first.size === 0) return second;
  const joined = new Map(first);
  for (const [name, values] of second) joined.set(name, [...(joined.get(name) ?? []), ...values]);
  return joined;
}

function unescapeQuery(text: string): string {
  return decoded(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%(?:([0-9a-fA-F]{2})|.{0,2})/gs, (found: string, hex?: string) => {
    if (hex === undefined) throw new FormError(`invalid URL escape "${found}"`);
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
}

/** strconv.ParseUint of 64 bits; undefined for what isn't one. */
export function parseUint64(text: string): bigint | undefined {
  if (!/^[0-9]+$/.test(text) || text.length > 40) return undefined;
  const value = BigInt(text);
  return value < 1n << 64n ? value : undefined;
}

/** strconv.ParseBool; undefined for what isn't one. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  return undefined;
}
