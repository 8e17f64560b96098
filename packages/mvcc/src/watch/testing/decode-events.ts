import { decodeKeyValue } from '../../key-value.ts';

/** An event as a client sees it, with texts instead of bytes. */
export interface SeenEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly key: string;
  readonly value: string;
  readonly mod: number;
  readonly create: number;
  /** Value that the previous KeyValue had; undefined when none came along. */
  readonly prev: string | undefined;
}

/** Reads WatchResponse.events from the body of a batch, or from a part of one. */
export function decodeEvents(body: Uint8Array): SeenEvent[] {
  const seen: SeenEvent[] = [];
  const outer = new FieldReader(body);
  for (let field = outer.next(); field !== undefined; field = outer.next()) {
    if (field.number !== 11) throw new Error(`field ${field.number} among the events`);
    seen.push(decodeEvent(field.bytes));
  }
  return seen;
}

function decodeEvent(bytes: Uint8Array): SeenEvent {
  const reader = new FieldReader(bytes);
  let type: 'PUT' | 'DELETE' = 'PUT';
  let kv = decodeKeyValue(new Uint8Array(0));
  let prev: string | undefined;
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.number === 1) type = field.value === 1 ? 'DELETE' : 'PUT';
    else if (field.number === 2) kv = decodeKeyValue(field.bytes);
    else if (field.number === 3) prev = text(decodeKeyValue(field.bytes).value);
    else throw new Error(`field ${field.number} in an event`);
  }
  const { key, value, modRevision: mod, createRevision: create } = kv;
  return { type, key: text(key), value: text(value), mod, create, prev };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

interface Field {
  readonly number: number;
  /** Of a varint field. */
  readonly value: number;
  /** Of a field with a length. */
  readonly bytes: Uint8Array;
}

class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): Field | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const tag = this.#varint();
    const number = tag >>> 3;
    const value = this.#varint();
    if ((tag & 7) === 0) return { number, value, bytes: new Uint8Array(0) };
    if ((tag & 7) !== 2) throw new Error(`wire type ${tag & 7}`);
    if (this.#at + value > this.#bytes.length) throw new Error('cut field');
    const bytes = this.#bytes.subarray(this.#at, this.#at + value);
    this.#at += value;
    return { number, value: 0, bytes };
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new Error('cut varint');
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
