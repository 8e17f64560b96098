import { type Bytes, concatBytes, toBytes } from './encoding.ts';
import { ClientError } from './errors.ts';
import { openEnd, prefixEnd } from './key-range.ts';
import { KeyValue, type KeyValueFields } from './key-value.ts';

/**
 * Several keys:
 * - `{ prefix: 'a/' }`: all that begin so; `{ prefix: '' }`: all there are;
 * - `{ fromKey: 'b' }`: this one and all after it;
 * - `{ start: 'a', end: 'c' }`: [start, end) in the order of bytes.
 */
export type KeyRange =
  | { readonly prefix: Bytes }
  | { readonly fromKey: Bytes }
  | { readonly start: Bytes; readonly end: Bytes };

/** One key, or several. */
export type Keys = Bytes | KeyRange;

/** As requests have them: [key, rangeEnd), or one key where `rangeEnd` is empty. */
export interface Span {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

const none = new Uint8Array(0);
const firstKey = Uint8Array.of(0);

/** The keys that a client sees: all of them, or those below a prefix that it knows nothing of. */
export class Keyspace {
  readonly prefix: Uint8Array;

  constructor(prefix: Uint8Array) {
    this.prefix = prefix;
  }

  /** The part of this keyspace below a prefix. */
  below(prefix: Bytes): Keyspace {
    return new Keyspace(concatBytes(this.prefix, toBytes(prefix)).slice());
  }

  /** Throws `ClientError` "emptyKey", as the server would, whether there is a prefix or not. */
  key(key: Bytes): Uint8Array {
    const bytes = toBytes(key);
    if (bytes.length === 0) {
      throw new ClientError({ code: 'emptyKey', message: 'a key has at least one byte' });
    }
    return concatBytes(this.prefix, bytes);
  }

  /** Throws `ClientError` "emptyKey" for an empty key that is no range. */
  span(keys: Keys): Span {
    if (typeof keys === 'string' || keys instanceof Uint8Array) {
      return { key: this.key(keys), rangeEnd: none };
    }
    if ('prefix' in keys) {
      const key = concatBytes(this.prefix, toBytes(keys.prefix));
      return { key: key.length === 0 ? firstKey : key, rangeEnd: prefixEnd(key) };
    }
    if ('fromKey' in keys) {
      const key = concatBytes(this.prefix, toBytes(keys.fromKey));
      return { key: key.length === 0 ? firstKey : key, rangeEnd: this.#end };
    }
    const key = concatBytes(this.prefix, toBytes(keys.start));
    const end = toBytes(keys.end);
    if (end.length === 0) {
      const message = 'a range ends before a key of at least one byte; for an open one use fromKey';
      throw new ClientError({ code: 'configuration', message });
    }
    const rangeEnd = concatBytes(this.prefix, end);
    return { key: key.length === 0 ? firstKey : key, rangeEnd };
  }

  /** A key of the server as this keyspace has it. */
  strip(key: Uint8Array): Uint8Array {
    return this.prefix.length === 0 ? key : key.subarray(this.prefix.length);
  }

  /** What the server sent, with its key as this keyspace has it. */
  keyValue(message: KeyValueFields): KeyValue {
    return new KeyValue(message, this.strip(message.key));
  }

  get #end(): Uint8Array {
    return this.prefix.length === 0 ? openEnd : prefixEnd(this.prefix);
  }
}
