/** Keys of a call or a watch: one key, or [key, rangeEnd); a rangeEnd of one zero byte means every key from `key` on. */
export interface KeyRange {
  readonly key: string;
  /** Empty for the one key. */
  readonly rangeEnd: string;
}

/** A key with its value, as an answer or an event shows it. */
export interface Pair {
  readonly key: string;
  readonly value: string;
  /** 0 for none. */
  readonly lease: bigint;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** Sets a key. */
export interface PutRequest {
  readonly kind: 'put';
  readonly key: string;
  readonly value: string;
  readonly lease: bigint;
}

/** Reads a range at a revision; 0 for the newest. */
export interface RangeRequest extends KeyRange {
  readonly kind: 'range';
  readonly revision: number;
  /** Whether one member may answer alone, with what it knows. */
  readonly serializable: boolean;
}

/** Deletes a range. */
export interface DeleteRequest extends KeyRange {
  readonly kind: 'delete';
}

/** Holds when what a key has equals what was expected; a key that isn't there has 0, or the empty value. */
export interface Compare {
  readonly key: string;
  readonly target: 'modRevision' | 'createRevision' | 'version' | 'value';
  readonly equals: number | string;
}

/** What a transaction is made of. */
export type TxnOperation = PutRequest | RangeRequest | DeleteRequest;

/** Runs one of two lists of operations in one revision. */
export interface TxnRequest {
  readonly kind: 'txn';
  readonly compares: readonly Compare[];
  readonly success: readonly TxnOperation[];
  readonly failure: readonly TxnOperation[];
}

/** What clients ask of a store. Ids of leases are granted once in a history. */
export type Request =
  | TxnOperation
  | TxnRequest
  | { readonly kind: 'grant'; readonly id: bigint; readonly ttlSeconds: number }
  | { readonly kind: 'revoke'; readonly id: bigint }
  | { readonly kind: 'compact'; readonly revision: number };

/** Refusals that tell of the state, and so must be true. */
export type Refusal =
  | 'leaseNotFound'
  | 'leaseExists'
  | 'compacted'
  | 'futureRevision'
  | 'keyNotFound';

/** What one operation says, alone or in a transaction. */
export type OperationAnswer =
  | { readonly kind: 'put' }
  | { readonly kind: 'range'; readonly pairs: readonly Pair[]; readonly count: number }
  | { readonly kind: 'delete'; readonly deleted: number };

/** An answer of the store, with the revision in its header. */
export type Answer =
  | (OperationAnswer & { readonly revision: number })
  | {
      readonly kind: 'txn';
      readonly revision: number;
      readonly succeeded: boolean;
      readonly answers: readonly OperationAnswer[];
    }
  | { readonly kind: 'lease'; readonly revision: number }
  | { readonly kind: 'compact'; readonly revision: number }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** One call of one client. Calls that are known to have done nothing are left out of histories. */
export interface Operation {
  readonly client: number;
  readonly request: Request;
  /** Place among all calls and returns of the history, which are numbered in the order in which they were seen. */
  readonly calledAt: number;
  /** Infinity when it never returned. */
  readonly returnedAt: number;
  readonly calledAtMs: number;
  readonly returnedAtMs: number;
  /** Undefined when the outcome is unknown: it may take effect at any time after the call, or never. */
  readonly answer: Answer | undefined;
}

/** A renewal of a lease that was confirmed. */
export interface Renewal {
  readonly id: bigint;
  /** When the client asked for it. */
  readonly calledAtMs: number;
}

/** A change of a key, as watchers and members tell of it. */
export interface KeyEvent {
  readonly key: string;
  /** The revision of the change. */
  readonly revision: number;
  /** Undefined when it was deleted. */
  readonly pair: Pair | undefined;
  /** What it replaced, if the watcher asked: null when there was nothing. */
  readonly previous?: Pair | null;
}

/** One message on a watch. */
export interface WatchMessage {
  readonly revision: number;
  readonly events: readonly KeyEvent[];
}

/** One watcher from its creation to its end, whatever ended it. */
export interface WatchRecord {
  readonly client: number;
  readonly range: KeyRange;
  /** First revision that was asked for; 0 for what comes after the creation. */
  readonly startRevision: number;
  /** Revision of the answer to its creation; undefined when there was none. */
  readonly createdRevision: number | undefined;
  /** In the order of their arrival. */
  readonly messages: readonly WatchMessage[];
  /** The compact revision that it was ended with. */
  readonly compactedAt: number | undefined;
}

/** Whether a key lies in a range. */
export function isWithin(key: string, { key: start, rangeEnd }: KeyRange): boolean {
  if (rangeEnd === '') return key === start;
  return key >= start && (rangeEnd === '\0' || key < rangeEnd);
}

/** A request in a few words, for reports. */
export function describeRequest(request: Request): string {
  switch (request.kind) {
    case 'put':
      return `put ${request.key}=${request.value}${request.lease === 0n ? '' : ` lease ${request.lease}`}`;
    case 'range': {
      const how = request.serializable ? ' serializable' : '';
      const at = request.revision === 0 ? '' : ` at ${request.revision}`;
      return `range ${rangeText(request)}${at}${how}`;
    }
    case 'delete':
      return `delete ${rangeText(request)}`;
    case 'txn': {
      const compares = request.compares.map(
        ({ key, target, equals }) => `${key}.${target}=${equals}`,
      );
      const list = (operations: readonly TxnOperation[]) =>
        operations.map(describeRequest).join(', ');
      return `txn if ${compares.join(' and ')} then ${list(request.success)} else ${list(request.failure)}`;
    }
    case 'grant':
      return `grant ${request.id} for ${request.ttlSeconds} s`;
    case 'revoke':
      return `revoke ${request.id}`;
    case 'compact':
      return `compact ${request.revision}`;
  }
}

/** An answer in a few words, for reports. */
export function describeAnswer(answer: Answer | undefined): string {
  if (answer === undefined) return 'no answer';
  if (answer.kind === 'refused') return answer.reason;
  const parts = answer.kind === 'txn' ? answer.answers : [answer];
  const texts = parts.map((part) => {
    if (part.kind === 'range') {
      return `[${part.pairs.map(({ key, value, modRevision }) => `${key}=${value}@${modRevision}`).join(' ')}]`;
    }
    return part.kind === 'delete' ? `deleted ${part.deleted}` : part.kind;
  });
  const branch = answer.kind === 'txn' ? `${answer.succeeded ? 'then' : 'else'} ` : '';
  return `${branch}${texts.join(', ')} at ${answer.revision}`;
}

function rangeText({ key, rangeEnd }: KeyRange): string {
  if (rangeEnd === '') return key;
  return rangeEnd === '\0' ? `[${key}, …)` : `[${key}, ${rangeEnd})`;
}
