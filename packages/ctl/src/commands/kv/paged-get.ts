import {
  type RangeRequest,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from '@kvorum/api';
import type { RpcClient } from '@kvorum/client';
import type { PageKeyValue } from '../../bulk/range-page.ts';
import type { Output } from '../../host.ts';

/**
 * Whether the answer may be asked for in pages, with the same bytes as the outcome. Orders and filters are the server's
 * work on the whole range; and without a quorum's word, one of several members may lack what another one had.
 */
export function mayBePaged(request: RangeRequest, client: RpcClient): boolean {
  return (
    request.rangeEnd.length > 0 &&
    request.sortOrder === SortOrder.NONE &&
    request.sortTarget === SortTarget.KEY &&
    !request.countOnly &&
    request.minCreateRevision === 0n &&
    request.maxCreateRevision === 0n &&
    request.minModRevision === 0n &&
    request.maxModRevision === 0n &&
    (!request.serializable || client.endpoints.length === 1)
  );
}

/** What is printed of a key-value. */
type KeyAndValue = Pick<PageKeyValue, 'key' | 'value'>;

/**
 * Writes a range as `simple` prints it, in constant memory. Rejects with what the pages throw; then what was read
 * before has been written.
 */
export async function writePages(
  out: Output,
  pages: AsyncIterable<Iterable<KeyAndValue>>,
  isValueOnly: boolean,
): Promise<void> {
  const chunk = new Chunk(out);
  for await (const page of pages) {
    for (const keyValue of page) {
      if (!chunk.maybeAdd(keyValue, isValueOnly)) {
        chunk.flush();
        await out.drained();
        if (!chunk.maybeAdd(keyValue, isValueOnly)) writeLarge(out, keyValue, isValueOnly);
      }
    }
    chunk.flush();
    await out.drained();
  }
}

const chunkBytes = 1 << 18;
const newline = 0x0a;

/** Lines to be written together. */
class Chunk {
  readonly #out: Output;
  #bytes: Buffer = Buffer.allocUnsafe(chunkBytes);
  #length = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  /** Adds the lines of a key-value, if they fit. */
  maybeAdd({ key, value }: KeyAndValue, isValueOnly: boolean): boolean {
    if (this.#length + key.length + value.length + 2 > chunkBytes) return false;
    if (!isValueOnly) this.#line(key);
    this.#line(value);
    return true;
  }

  flush(): void {
    if (this.#length === 0) return;
    // What was handed over belongs to the output.
    this.#out.write(this.#bytes.subarray(0, this.#length));
    this.#bytes = Buffer.allocUnsafe(chunkBytes);
    this.#length = 0;
  }

  #line(text: Uint8Array): void {
    this.#bytes.set(text, this.#length);
    this.#length += text.length;
    this.#bytes[this.#length] = newline;
    this.#length += 1;
  }
}

function writeLarge(out: Output, { key, value }: KeyAndValue, isValueOnly: boolean): void {
  const end = Buffer.of(newline);
  out.write(Buffer.concat(isValueOnly ? [value, end] : [key, end, value, end]));
}
