import { create } from '@bufbuild/protobuf';
import { type RangeRequest, type RangeResponse, RangeResponseSchema } from '@kvorum/api';
import type { CallOptions, RpcClient } from '@kvorum/client';

/**
 * What a range holds, in the pieces in which a server of 3.7 streams it: all of one revision, read while they come.
 * Throws `ClientError` to the reader, with code "unimplemented" by older servers.
 */
export async function* streamedPages(
  client: RpcClient,
  request: RangeRequest,
  options: CallOptions,
): AsyncGenerator<RangeResponse['kvs']> {
  for await (const { rangeResponse } of client.kv.rangeStream(request, options)) {
    if (rangeResponse !== undefined) yield rangeResponse.kvs;
  }
}

/** The pieces put together: the answer to a plain range. Rejects with `ClientError`. */
export async function streamedRange(
  client: RpcClient,
  request: RangeRequest,
  options: CallOptions,
): Promise<RangeResponse> {
  const whole = create(RangeResponseSchema);
  for await (const { rangeResponse } of client.kv.rangeStream(request, options)) {
    if (rangeResponse === undefined) continue;
    const { header, kvs, more, count } = rangeResponse;
    for (const keyValue of kvs) whole.kvs.push(keyValue);
    // Only the last one has these.
    if (header !== undefined) Object.assign(whole, { header, more, count });
  }
  return whole;
}
