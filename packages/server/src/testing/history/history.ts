import type { Answer, KeyEvent, Operation, Renewal, Request, WatchRecord } from './operation.ts';

/** A call that was sent and has not returned yet. */
export interface OpenCall {
  readonly client: number;
  readonly request: Request;
  readonly calledAt: number;
  readonly calledAtMs: number;
}

/** What clients saw of a cluster, written down as it happens. */
export class History {
  readonly operations: Operation[] = [];
  readonly renewals: Renewal[] = [];
  readonly watches: WatchRecord[] = [];
  /** What happened by the word of a member, or of a watch of all keys: all changes of a revision or none, each once. */
  readonly log: KeyEvent[] = [];
  readonly #open = new Set<OpenCall>();
  #place = 0;

  /** Takes note of a call before it is sent. */
  called(client: number, request: Request, nowMs: number): OpenCall {
    const call = { client, request, calledAt: ++this.#place, calledAtMs: nowMs };
    this.#open.add(call);
    return call;
  }

  /** Takes note of an answer. */
  returned(call: OpenCall, answer: Answer, nowMs: number): void {
    if (!this.#open.delete(call)) return;
    this.operations.push({ ...call, answer, returnedAt: ++this.#place, returnedAtMs: nowMs });
  }

  /** The call has certainly done nothing. */
  refused(call: OpenCall): void {
    this.#open.delete(call);
  }

  /** The client waits no longer; the call may take effect at any time, or never. */
  gaveUp(call: OpenCall): void {
    if (!this.#open.delete(call)) return;
    this.operations.push({
      ...call,
      answer: undefined,
      returnedAt: Number.POSITIVE_INFINITY,
      returnedAtMs: Number.POSITIVE_INFINITY,
    });
  }

  /** Gives up what is still open: the end of the history. */
  close(): void {
    for (const call of this.#open) this.gaveUp(call);
  }
}
