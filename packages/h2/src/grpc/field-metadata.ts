import { HeaderField } from '../hpack/header-field.ts';
import type { Metadata } from './types.ts';

/** Metadata over a decoded header list: the fields from an index on. */
export class FieldMetadata implements Metadata {
  readonly #fields: readonly HeaderField[];
  readonly #from: number;

  constructor(fields: readonly HeaderField[], from: number) {
    this.#fields = fields;
    this.#from = from;
  }

  get(name: string): string | undefined {
    for (let i = this.#from; i < this.#fields.length; i++) {
      const field = this.#fields[i] as HeaderField;
      if (field.name === name) return field.value;
    }
    return undefined;
  }

  getAll(name: string): readonly string[] {
    const values: string[] = [];
    for (let i = this.#from; i < this.#fields.length; i++) {
      const field = this.#fields[i] as HeaderField;
      if (field.name === name) values.push(field.value);
    }
    return values;
  }

  getBinary(name: string): Uint8Array | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    // Several values may have been joined on the way; the padding is optional.
    const comma = value.indexOf(',');
    const first = comma < 0 ? value : value.slice(0, comma).trimEnd();
    return /^[A-Za-z0-9+/]*={0,2}$/.test(first) ? Buffer.from(first, 'base64') : undefined;
  }

  *entries(): Iterable<[string, string]> {
    for (let i = this.#from; i < this.#fields.length; i++) {
      const field = this.#fields[i] as HeaderField;
      yield [field.name, field.value];
    }
  }
}

/**
 * The same for who knows nothing of HTTP/2: a cookie that was sent in crumbs is one field again
 * (RFC 9113 §8.2.3).
 */
export function plainMetadata(fields: readonly HeaderField[], from: number): Metadata {
  const crumbs = fields.filter(({ name }) => name === 'cookie');
  if (crumbs.length < 2) return new FieldMetadata(fields, from);
  const cookie = new HeaderField('cookie', crumbs.map(({ value }) => value).join('; '));
  const others = fields.slice(from).filter(({ name }) => name !== 'cookie');
  return new FieldMetadata([...others, cookie], 0);
}
