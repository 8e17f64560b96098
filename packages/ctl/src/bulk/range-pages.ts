import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { KV, RangeRequestSchema } from '@kvorum/api';
import type { CallOptions, RpcClient } from '@kvorum/client';
import { RangePage } from './range-page.ts';

/** Keys of the first page: few, since their values may be large. */
const firstPageKeys = 128;
/** Keys of a page at most. */
const largestPageKeys = 65_536;
/** Bytes that a page should have: two of them are in memory at a time. */
const pageBytes = 4 << 20;
/** Pages grow by this factor at most, since the next values may be larger than the last ones. */
const growth = 8;

/** The range to read: a span of keys, as the API has it. Its limit is that of all pages together; it has no order. */
export type PagedRange = MessageInitShape<typeof RangeRequestSchema>;

/**
 * Reads a range of any size in pages, all at the revision of the first one (or that of the request), in memory for two:
 * the next page is on its way while the caller uses one. Rejects with `ClientError`, "compacted" when
 * the revision was compacted meanwhile.
 */
export async function* rangePages(
  client: RpcClient,
  range: PagedRange,
  options: CallOptions,
): AsyncGenerator<RangePage> {
  const limit = Number(range.limit ?? 0n) || Number.POSITIVE_INFINITY;
  let page = await readPage(client, range, Math.min(firstPageKeys, limit), options);
  let revision = range.revision ?? 0n;
  if (revision === 0n) revision = BigInt(page.revision);
  let left = limit - page.length;
  while (page.more && left > 0) {
    const last = page.at(page.length - 1).key;
    const rest = { ...range, key: Buffer.concat([last, Uint8Array.of(0)]), revision };
    const following = readPage(client, rest, Math.min(nextPageKeys(page), left), options);
    // Whoever stops reading here leaves this promise alone.
    following.catch(() => {});
    yield page;
    page = await following;
    left -= page.length;
  }
  yield page;
}

function nextPageKeys(page: RangePage): number {
  const keyBytes = Math.max(1, page.byteLength / page.length);
  const wanted = Math.min(Math.floor(pageBytes / keyBytes), page.length * growth);
  return Math.max(1, Math.min(wanted, largestPageKeys));
}

const path = `/${KV.typeName}/${KV.method.range.name}`;

/** One page of at most so many keys. Rejects with `ClientError`. */
export async function readPage(
  client: RpcClient,
  range: PagedRange,
  limit: number,
  options: CallOptions,
): Promise<RangePage> {
  const request = create(RangeRequestSchema, {
    ...range,
    limit: Number.isFinite(limit) ? BigInt(limit) : 0n,
  });
  return new RangePage(await client.unary(path, toBinary(RangeRequestSchema, request), options));
}
