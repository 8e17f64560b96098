/** What is known of the latest version of a live key. Shared and never changed: an update makes another. */
export class KeyMeta {
  /** The key as latin1 text. */
  readonly keyText: string;
  readonly createRevision: number;
  /** Main revision of the last put. */
  readonly modRevision: number;
  /** Sub revision of the last put. */
  readonly sub: number;
  /** Puts since the key was created, from 1. */
  readonly version: number;
  /** Id of the attached lease; 0n for none. */
  readonly lease: bigint;
  /** Bytes of the whole KeyValue on the wire. */
  readonly wireSize: number;
  /**
   * The KeyValue on the wire, or undefined for a large one, whose value stays on disk: `wireOf` of the
   * store or of the transaction that returned this object reads it.
   */
  readonly wire: Uint8Array | undefined;

  constructor(
    keyText: string,
    createRevision: number,
    modRevision: number,
    sub: number,
    version: number,
    lease: bigint,
    wireSize: number,
    wire: Uint8Array | undefined,
  ) {
    this.keyText = keyText;
    this.createRevision = createRevision;
    this.modRevision = modRevision;
    this.sub = sub;
    this.version = version;
    this.lease = lease;
    this.wireSize = wireSize;
    this.wire = wire;
  }
}
