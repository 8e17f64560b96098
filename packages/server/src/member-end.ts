/** Why a member ends by itself. */
export class MemberEnd {
  /** Resolves when something durable failed or a bug showed. */
  readonly fatal: Promise<Error>;
  /** Resolves when it has no business in the cluster any more. */
  readonly removed: Promise<void>;
  isRemoved = false;
  readonly #fail: (error: Error) => void;
  readonly remove: () => void;

  constructor() {
    const fatal = Promise.withResolvers<Error>();
    const removed = Promise.withResolvers<void>();
    this.fatal = fatal.promise;
    this.removed = removed.promise;
    this.#fail = fatal.resolve;
    this.remove = removed.resolve;
  }

  readonly fail = (error: unknown): void => {
    this.#fail(error instanceof Error ? error : new Error(String(error)));
  };
}
