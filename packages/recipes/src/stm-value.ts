import type { Bytes } from '@kvorum/client';

/** A value as a transaction sees it: a `KeyValue` is one, and so is what the transaction wrote itself. */
export interface StmValue {
  readonly value: Uint8Array;
  /** As text. Throws `TypeError` when it is no UTF-8. */
  string(): string;
  /** Read as JSON; `T` is unchecked. Throws `SyntaxError` when it is no JSON. */
  json<T = unknown>(): T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class WrittenValue implements StmValue {
  readonly value: Uint8Array;

  constructor(value: Bytes) {
    this.value = typeof value === 'string' ? encoder.encode(value) : value;
  }

  string(): string {
    return decoder.decode(this.value);
  }

  json<T = unknown>(): T {
    return JSON.parse(this.string()) as T;
  }
}
