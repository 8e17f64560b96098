import { EtcdError } from '@kvorum/api';
import type { GrpcMethod, StreamCall } from '@kvorum/h2';
import { decodeKeyValue, type RangeResult, type Store } from '@kvorum/mvcc';
import { rangeQueryOf } from '../apply/reader.ts';
import type { Access } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { decodeRange, RangeRequest } from '../codec/kv-requests.ts';
import { encodeRangeResponse } from '../codec/kv-responses.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { MemberHeaders } from './headers.ts';
import { type Answers, OneQuestion } from './one-question.ts';
import { validateRange } from './validate.ts';

export interface RangeStreamOptions {
  readonly store: Store;
  readonly loop: NodeLoop;
  readonly access: Access;
  readonly headers: MemberHeaders;
  /** Chunks grow until a message takes half of this, in bytes. */
  readonly maxRequestBytes: number;
}

const UNIMPLEMENTED = 12;
/** Keys of the first chunk; later ones are doubled or halved by the size of what was sent. */
const FIRST_CHUNK_KEYS = 10;
const SORT_ASCEND = 1;
const SORT_DESCEND = 2;
const NO_BYTES = new Uint8Array(0);

/** etcdserverpb.KV/RangeStream: a range in chunks, all of one revision. */
export function streamRange(options: RangeStreamOptions): GrpcMethod {
  return {
    kind: 'stream',
    open: (call) =>
      new OneQuestion(call, (question, answers) => {
        return new RangeStream(options, call, answers).run(question);
      }),
  };
}

class RangeStream {
  readonly #options: RangeStreamOptions;
  readonly #call: StreamCall;
  readonly #answers: Answers;

  constructor(options: RangeStreamOptions, call: StreamCall, answers: Answers) {
    this.#options = options;
    this.#call = call;
    this.#answers = answers;
  }

  async run(message: Uint8Array): Promise<void> {
    const { store, loop, access } = this.#options;
    const request = decodeRange(message);
    validateRange(request);
    refuseUnsupported(request);
    if (!request.serializable) {
      await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    }
    const caller = access.callerOf(this.#call);
    access.mustRead(caller, request.key, request.rangeEnd);
    // The header tells the newest revision of this moment, also when a past one is read.
    const headerRevision = store.revision;
    if (request.revision <= 0) request.revision = headerRevision;
    if (request.countOnly) {
      await this.#send(await store.rangeAsync(rangeQueryOf(request)), headerRevision);
      return;
    }
    await this.#sendChunks(request, headerRevision, caller);
  }

  /** Only the last message has header, `more` and `count`: all merged are the answer to a plain Range. */
  async #sendChunks(
    request: RangeRequest,
    headerRevision: number,
    caller: Caller | undefined,
  ): Promise<void> {
    const { store, maxRequestBytes, access } = this.#options;
    const limit = request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
    let chunkKeys = FIRST_CHUNK_KEYS;
    let sent = 0;
    let key = request.key;
    while (!this.#answers.gone.aborted) {
      // Each chunk waits for the client: the permission may be gone meanwhile.
      access.mustRead(caller, request.key, request.rangeEnd);
      const chunk = nextChunk(request, key, Math.min(chunkKeys, limit - sent));
      const range = await store.rangeAsync(rangeQueryOf(chunk));
      sent += range.kvs.length;
      const isLast = !range.more || sent >= limit;
      const total = sent - range.kvs.length + range.count;
      const bytes = isLast
        ? await this.#send({ ...range, count: total }, headerRevision)
        : await this.#send({ ...range, more: false, count: 0 }, 0);
      if (isLast) return;
      key = keyAfter(range);
      if (bytes < maxRequestBytes / 2) chunkKeys *= 2;
      else if (bytes > maxRequestBytes) chunkKeys = Math.max(1, chunkKeys >> 1);
    }
  }

  /** Sends one message and waits until the client has room for the next; returns its size in bytes. */
  async #send(range: RangeResult, headerRevision: number): Promise<number> {
    const header = headerRevision === 0 ? NO_BYTES : this.#options.headers.at(headerRevision);
    const response = encodeRangeResponse(header, range);
    const head = new ProtoWriter(16).tag(0x0a).uint(response.length).take();
    await this.#answers.send([head, response]);
    return response.length;
  }
}

function refuseUnsupported(request: RangeRequest): void {
  const { sortOrder, sortTarget } = request;
  if (sortOrder === SORT_DESCEND || (sortOrder === SORT_ASCEND && sortTarget !== 0)) {
    const text = 'RangeStream does not support custom sort orders';
    throw new EtcdError('unmapped', UNIMPLEMENTED, text);
  }
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (minModRevision || maxModRevision || minCreateRevision || maxCreateRevision) {
    const text = 'RangeStream does not support revision filters';
    throw new EtcdError('unmapped', UNIMPLEMENTED, text);
  }
}

function nextChunk(request: RangeRequest, key: Uint8Array, limit: number): RangeRequest {
  const chunk = new RangeRequest();
  chunk.key = key;
  chunk.rangeEnd = request.rangeEnd;
  chunk.revision = request.revision;
  chunk.keysOnly = request.keysOnly;
  chunk.limit = limit;
  return chunk;
}

/** The first key behind the last one of a chunk that is not the last. */
function keyAfter(range: RangeResult): Uint8Array {
  const last = range.kvs[range.kvs.length - 1];
  if (last === undefined) throw new Error('a chunk with more to come has at least one key');
  return Buffer.concat([decodeKeyValue(last).key, new Uint8Array(1)]);
}
