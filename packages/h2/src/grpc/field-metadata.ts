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
    // Several values may have been joined on the way.
    const [first = ''] = value.split(',');
    return base64Fault(first.trim()) < 0 ? Buffer.from(first, 'base64') : undefined;
  }

  /** What is wrong with the first `-bin` field that is not base64, as grpc-go says it. */
  brokenBinary(): string | undefined {
    for (let i = this.#from; i < this.#fields.length; i++) {
      const { name, value } = this.#fields[i] as HeaderField;
      if (!name.endsWith('-bin')) continue;
      for (const part of value.split(',')) {
        const at = base64Fault(part.trim());
        if (at < 0) continue;
        const fault = `illegal base64 data at input byte ${at}`;
        return `malformed binary metadata "${value}" in header "${name}": ${fault}`;
      }
    }
    return undefined;
  }

  *entries(): Iterable<[string, string]> {
    for (let i = this.#from; i < this.#fields.length; i++) {
      const field = this.#fields[i] as HeaderField;
      yield [field.name, field.value];
    }
  }
}

/** Where a value stops to be base64, with its padding or without; -1: nowhere. */
function base64Fault(value: string): number {
  const data = value.length % 4 === 0 ? value.replace(/={1,2}$/, '') : value;
  const at = data.search(/[^A-Za-z0-9+/]/);
  if (at >= 0) return at;
  // One character more than whole groups has six bits: not a byte.
  return data.length % 4 === 1 ? data.length - 1 : -1;
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
