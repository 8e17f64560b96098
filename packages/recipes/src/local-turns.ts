/**
 * Turns within this process, by name, in the order of asking. Where all users of a session share one key of the store,
 * the store cannot tell them apart.
 */
export class LocalTurns {
  readonly #last = new Map<string, Promise<void>>();

  /** Whether somebody has this turn or waits for it. */
  isTaken(name: string): boolean {
    return this.#last.has(name);
  }

  /**
   * Resolves with what ends the turn. When the signal fires it rejects with its reason, and gives the turn on when it
   * comes.
   */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const before = this.#last.get(name);
    const done = Promise.withResolvers<void>();
    const mine = (before ?? Promise.resolve()).then(() => done.promise);
    this.#last.set(name, mine);
    const end = () => {
      done.resolve();
      if (this.#last.get(name) === mine) this.#last.delete(name);
    };
    if (before === undefined) return end;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([before, aborted.promise]);
      return end;
    } catch (error) {
      // Whoever comes after this one still waits for the one before it.
      before.then(end);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
