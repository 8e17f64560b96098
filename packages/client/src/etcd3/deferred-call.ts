/** A call that is made when somebody waits for it, once each time, as the builders of npm's etcd3 are. */
export abstract class DeferredCall<T> implements PromiseLike<T> {
  /** Makes the call. */
  // biome-ignore lint/suspicious/noThenProperty: a builder is awaited to send what it has built.
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.send().then(onFulfilled, onRejected);
  }

  /** Makes the call, and handles its failure. */
  catch<E = never>(onRejected?: (reason: unknown) => E | PromiseLike<E>): Promise<T | E> {
    return this.send().catch(onRejected);
  }

  /** Makes the call. */
  protected abstract send(): Promise<T>;
}
