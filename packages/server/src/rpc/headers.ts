import { ResponseHeaders } from '../codec/response-header.ts';

/** The response headers of this member: the ids are fixed, term and revision are asked for. */
export class MemberHeaders {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly #headers: ResponseHeaders;
  readonly #term: () => number;
  readonly #revision: () => number;

  constructor(clusterId: bigint, memberId: bigint, term: () => number, revision: () => number) {
    this.clusterId = clusterId;
    this.memberId = memberId;
    this.#headers = new ResponseHeaders(clusterId, memberId);
    this.#term = term;
    this.#revision = revision;
  }

  /** Field 1 of a response, encoded, with this revision. Shared: never change it. */
  at(revision: number): Uint8Array {
    return this.#headers.encode(revision, this.#term());
  }

  /** Field 1 with the store's revision of this moment. */
  now(): Uint8Array {
    return this.at(this.#revision());
  }

  /** As `message`, with the store's revision of this moment. */
  messageNow(): ReturnType<MemberHeaders['message']> {
    return this.message(this.#revision());
  }

  /** The parts as the generated messages have them; `revision` 0 is left out on the wire. */
  message(revision: number): {
    clusterId: bigint;
    memberId: bigint;
    revision: bigint;
    raftTerm: bigint;
  } {
    return {
      clusterId: this.clusterId,
      memberId: this.memberId,
      revision: BigInt(revision),
      raftTerm: BigInt(this.#term()),
    };
  }
}
