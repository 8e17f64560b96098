import { ProtoReader } from '../codec/proto-reader.ts';
import { ResponseHeaders } from '../codec/response-header.ts';

/** Tag of the header, which is the first field of every answer. */
const HEADER_TAG = 0x0a;

/**
 * What the members' answers say of the cluster: its newest revision, and who said so. What the proxy answers by itself
 * bears the same.
 */
export class NewestHeader {
  /** 0 until a member has answered. */
  revision = 0;
  #term = 0;
  #clusterId = 0n;
  #memberId = 0n;
  #headers = new ResponseHeaders(0n, 0n);

  /** Reads the header of an answer, if it begins with one. Returns its revision, 0 where it has none. */
  note(answer: Uint8Array): number {
    if (answer[0] !== HEADER_TAG) return 0;
    const reader = new ProtoReader(answer);
    reader.next();
    const header = reader.message();
    let [clusterId, memberId, revision, term] = [0n, 0n, 0, 0];
    for (let field = header.next(); field !== 0; field = header.next()) {
      if (field === 1) clusterId = header.int64();
      else if (field === 2) memberId = header.int64();
      else if (field === 3) revision = header.int64Number();
      else if (field === 4) term = header.int64Number();
      else header.skip();
    }
    if (memberId !== this.#memberId || clusterId !== this.#clusterId) {
      this.#memberId = memberId;
      this.#clusterId = clusterId;
      this.#headers = new ResponseHeaders(clusterId, memberId);
    }
    this.#term = Math.max(this.#term, term);
    this.noteRevision(revision);
    return revision;
  }

  noteRevision(revision: number): void {
    if (revision > this.revision) this.revision = revision;
  }

  /** A header as field 1 of a response; the buffer is shared. A `revision` of 0 is left out. */
  at(revision: number): Buffer {
    return this.#headers.encode(revision, this.#term);
  }
}
