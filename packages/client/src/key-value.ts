import { fromUtf8, plainBytes } from './encoding.ts';

/** What there is to know of a key, as messages have it. */
export interface KeyValueFields {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly version: bigint;
  readonly lease: bigint;
}

/** A key and its value at some revision. Its bytes belong to the receiver. */
export class KeyValue {
  readonly key: Uint8Array;
  /** Empty where only keys were asked for. */
  readonly value: Uint8Array;
  /** The revision that created the key. */
  readonly createRevision: bigint;
  /** The revision that wrote this value. */
  readonly modRevision: bigint;
  /** How often the key was written since it was created, this time included. */
  readonly version: bigint;
  /** The lease that the key goes away with; 0n: none. */
  readonly lease: bigint;

  /** For tests and for code with messages of its own; `key` replaces that of the message. */
  constructor(message: KeyValueFields, key: Uint8Array = message.key) {
    this.key = plainBytes(key);
    this.value = plainBytes(message.value);
    this.createRevision = message.createRevision;
    this.modRevision = message.modRevision;
    this.version = message.version;
    this.lease = message.lease;
  }

  /** The key as text. Throws `TypeError` when it is no UTF-8. */
  keyString(): string {
    return fromUtf8(this.key);
  }

  /** The value as text. Throws `TypeError` when it is no UTF-8. */
  string(): string {
    return fromUtf8(this.value);
  }

  /**
   * The value read as JSON. `T` is what the caller takes it for, unchecked. Throws `SyntaxError` when it is no JSON,
   * `TypeError` when it is no UTF-8.
   */
  json<T = unknown>(): T {
    return JSON.parse(fromUtf8(this.value)) as T;
  }
}
