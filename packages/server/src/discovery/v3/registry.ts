/** A key of a registry with its value. */
export interface RegistryEntry {
  readonly key: string;
  readonly value: string;
  /** Decides who came first. */
  readonly createRevision: bigint;
}

/** Entries as they were at one revision. */
export interface RegistryListing {
  readonly entries: readonly RegistryEntry[];
  readonly revision: bigint;
}

/** Why a registry did not answer; the message is for people. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  /** It would answer the same again: user, permissions or the request are wrong. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** An etcd where members register, as far as discovery needs it. Its methods reject with `RegistryError`. */
export interface Registry {
  /** The value of a key; undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  list(prefix: string): Promise<RegistryListing>;
  put(key: string, value: string): Promise<void>;
  /** What is put below a prefix, from a revision on; what is deleted is told without a value. */
  watch(prefix: string, startRevision: bigint): AsyncIterable<RegistryEntry>;
  /** Ends all calls. */
  close(): void;
}
