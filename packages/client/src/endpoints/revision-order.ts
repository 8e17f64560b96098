import { errorFromStatus } from '@kvorum/api';
import type { CallFailure } from '../channel.ts';
import { glimpseHeader, glimpseRead } from './response-header.ts';

const kvService = '/etcdserverpb.KV/';

/** What a call must not be behind of: taken when it begins. */
export interface OrderedCall {
  /** The latest revision that the client was shown before. */
  readonly seen: bigint;
  readonly request: Uint8Array;
  readonly path: string;
}

/**
 * Knows the latest revision that a client was shown, so that no read shows an older one: a member may be behind the one
 * that was asked before, and answers from what it has where that is allowed.
 */
export class RevisionOrder {
  #seen = 0n;

  /** Undefined for calls that show no revision. */
  begin(path: string, request: Uint8Array): OrderedCall | undefined {
    return path.startsWith(kvService) ? { seen: this.#seen, request, path } : undefined;
  }

  /** The client was shown something of this revision. */
  note(revision: bigint): void {
    if (revision > this.#seen) this.#seen = revision;
  }

  /** Takes note of an answer, unless it's older than what was shown before the call: then it must not be shown. */
  isBehind({ seen, request, path }: OrderedCall, answer: Uint8Array): boolean {
    const revision = glimpseHeader(answer)?.revision ?? 0n;
    if (revision >= seen) {
      this.note(revision);
      return false;
    }
    const isAboutNow = path.endsWith('/Range') && !glimpseRead(request).isSerializable;
    // The latest there is, surely: the store was restored from a backup, and counts anew.
    if (isAboutNow) this.#seen = revision;
    return !isAboutNow;
  }

  /** Whether a member has refused to read at a revision that the client was shown, for not having it yet. */
  isRefusedAsFuture({ seen, request, path }: OrderedCall, failure: CallFailure): boolean {
    const { code } = errorFromStatus(failure.status, failure.message);
    return code === 'futureRev' && path.endsWith('/Range') && glimpseRead(request).revision <= seen;
  }
}
