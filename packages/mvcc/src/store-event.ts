/**
 * One change of one key. Events are shared by all who listen, so nothing in them is ever written to.
 */
export class StoreEvent {
  /** Main revision, shared by all changes of one request. */
  readonly main: number;
  /** Position among the changes of that request, from 0. */
  readonly sub: number;
  /** Whether the change deleted the key. */
  readonly deleted: boolean;
  readonly key: Uint8Array;
  /** The key as latin1 text: the order of texts is the order of bytes. */
  readonly keyText: string;
  /** mvccpb.KeyValue as watchers get it: whole for a put, key and mod_revision alone for a delete. */
  readonly kv: Uint8Array;
  /** Revision of the version that this change replaced; 0 when the key did not exist. */
  readonly prevMain: number;
  readonly prevSub: number;
  /** The replaced KeyValue if it was at hand; if not, `Store.previousOf` looks it up. */
  readonly prev: Uint8Array | undefined;

  constructor(
    main: number,
    sub: number,
    deleted: boolean,
    key: Uint8Array,
    keyText: string,
    kv: Uint8Array,
    prevMain: number,
    prevSub: number,
    prev: Uint8Array | undefined,
  ) {
    this.main = main;
    this.sub = sub;
    this.deleted = deleted;
    this.key = key;
    this.keyText = keyText;
    this.kv = kv;
    this.prevMain = prevMain;
    this.prevSub = prevSub;
    this.prev = prev;
  }
}

/** Events of whole revisions, in order of (main, sub). */
export interface EventPage {
  readonly events: StoreEvent[];
  /** First revision that the page does not cover. */
  readonly next: number;
}
