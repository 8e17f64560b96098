import { ProtoWriter } from './proto-writer.ts';

/**
 * Encodes etcdserverpb.ResponseHeader as field 1 of a response. The ids never change and the term hardly ever, so all
 * but the revision is encoded once.
 */
export class ResponseHeaders {
  readonly #start: Buffer;
  readonly #writer = new ProtoWriter(128);
  #end: Buffer = Buffer.alloc(0);
  #term = -1;
  #cachedRevision = -1;
  #cached: Buffer = Buffer.alloc(0);

  constructor(clusterId: bigint, memberId: bigint) {
    this.#start = new ProtoWriter(32).tag(0x08).int64(clusterId).tag(0x10).int64(memberId).take();
  }

  /**
   * The header as field 1 (tag, length, message). The buffer is shared: read it, never change it.
   * A `revision` of 0 is left out, as etcd does where it has nothing to report.
   */
  encode(revision: number, term: number): Buffer {
    if (revision === this.#cachedRevision && term === this.#term) return this.#cached;
    if (term !== this.#term) {
      this.#term = term;
      this.#end = new ProtoWriter(16).tag(0x20).uint(term).take();
    }
    const body = this.#writer.raw(this.#start);
    if (revision !== 0) body.tag(0x18).uint(revision);
    const message = body.raw(this.#end).take();
    this.#cachedRevision = revision;
    this.#cached = this.#writer.bytes(0x0a, message).take();
    return this.#cached;
  }
}
