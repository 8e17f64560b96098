import { crc32 } from 'node:zlib';
import { COLUMNS, type Engine, type Scan } from '@kvorum/mvcc';

/*
 * The whole state of a member as a stream, for another that is too far behind the log: every row of every column, in
 * chunks.
 *
 *   chunk  crc32 (4 bytes, big-endian, of the rest) · rows
 *   row    column (1) · key size (4) · value size (4) · key · value
 *   end    a chunk with one row of column 255, whose value is the number of rows before it (8)
 */

const CHUNK_BYTES = 256 * 1024;
const CHUNK_HEAD_BYTES = 4;
const ROW_HEAD_BYTES = 9;
const ROWS_PER_READ = 256;
const END_COLUMN = 255;

/** A received state that isn't what was sent. The sender starts over. */
export class StateStreamError extends Error {
  override readonly name = 'StateStreamError';
}

/** Opens the scans at once, so that all chunks show this moment; reading them takes as many turns as it takes. */
export function readState(engine: Engine): AsyncGenerator<Uint8Array> {
  const scans = COLUMNS.map((column) => engine.scan(column));
  return chunksOf(scans);
}

async function* chunksOf(scans: readonly Scan[]): AsyncGenerator<Uint8Array> {
  try {
    const chunk = new ChunkWriter();
    let count = 0;
    for (const [column, scan] of scans.entries()) {
      for (;;) {
        const rows = scan.next(ROWS_PER_READ);
        if (rows.length === 0) break;
        for (let i = 0; i + 1 < rows.length; i += 2) {
          chunk.add(column, rows[i] as Uint8Array, rows[i + 1] as Uint8Array);
          count += 1;
          if (chunk.size >= CHUNK_BYTES) yield chunk.take();
        }
      }
    }
    const total = Buffer.alloc(8);
    total.writeBigUInt64BE(BigInt(count));
    chunk.add(END_COLUMN, new Uint8Array(0), total);
    yield chunk.take();
  } finally {
    for (const scan of scans) scan.close();
  }
}

class ChunkWriter {
  size = CHUNK_HEAD_BYTES;
  #pieces: Uint8Array[] = [];

  add(column: number, key: Uint8Array, value: Uint8Array): void {
    const head = Buffer.allocUnsafe(ROW_HEAD_BYTES);
    head[0] = column;
    head.writeUInt32BE(key.length, 1);
    head.writeUInt32BE(value.length, 5);
    this.#pieces.push(head, key, value);
    this.size += ROW_HEAD_BYTES + key.length + value.length;
  }

  take(): Uint8Array {
    const bytes = Buffer.concat([Buffer.alloc(CHUNK_HEAD_BYTES), ...this.#pieces]);
    bytes.writeUInt32BE(crc32(bytes.subarray(CHUNK_HEAD_BYTES)), 0);
    this.#pieces = [];
    this.size = CHUNK_HEAD_BYTES;
    return bytes;
  }
}

/** Writes a received state into an empty engine, chunk by chunk. */
export class StateWriter {
  readonly #engine: Engine;
  #count = 0;
  #hasEnded = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Throws `StateStreamError` for bytes that were damaged on the way. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#hasEnded || bytes.length < CHUNK_HEAD_BYTES) throw damaged();
    if (crc32(bytes.subarray(CHUNK_HEAD_BYTES)) !== bytes.readUInt32BE(0)) throw damaged();
    const batch = this.#engine.batch();
    let at = CHUNK_HEAD_BYTES;
    while (at < bytes.length) {
      if (at + ROW_HEAD_BYTES > bytes.length) throw damaged();
      const column = bytes[at] as number;
      const keyEnd = at + ROW_HEAD_BYTES + bytes.readUInt32BE(at + 1);
      const end = keyEnd + bytes.readUInt32BE(at + 5);
      if (end > bytes.length) throw damaged();
      const key = bytes.subarray(at + ROW_HEAD_BYTES, keyEnd);
      const value = bytes.subarray(keyEnd, end);
      at = end;
      const name = COLUMNS[column];
      if (name !== undefined) {
        // Engines may keep what they are given, and the chunk is the transport's.
        batch.put(name, Buffer.from(key), Buffer.from(value));
        this.#count += 1;
      } else {
        this.#end(column, value);
      }
    }
    batch.write();
  }

  /** Throws `StateStreamError` unless everything has come. */
  finish(): void {
    if (!this.#hasEnded) throw new StateStreamError('the state ended before its end');
  }

  #end(column: number, value: Buffer): void {
    if (column !== END_COLUMN || value.length !== 8) throw damaged();
    const sent = Number(value.readBigUInt64BE(0));
    if (sent !== this.#count) {
      throw new StateStreamError(`${this.#count} of ${sent} rows arrived`);
    }
    this.#hasEnded = true;
  }
}

function damaged(): StateStreamError {
  return new StateStreamError('a chunk of the state was damaged on the way');
}
