import {
  errorCodes,
  KeysError,
  ServiceFailure,
  type TokenKey,
  type TokenKeys,
  type TokenListing,
} from '../v2/token-keys.ts';

/** The keys of one token in memory. */
export class MemoryTokenKeys implements TokenKeys {
  /** So many calls fail before one works. */
  failing = 0;
  /** The answer to the next write is lost. */
  losesAnswer = false;
  /** Waits end without a change, once each. */
  emptyWaits = 0;
  size: string | undefined;
  readonly #history: TokenKey[] = [];
  #changed = Promise.withResolvers<void>();

  async get(path: string): Promise<TokenKey> {
    this.#mayFail();
    const size = { name: 'size', value: this.size ?? '', createdIndex: 0, modifiedIndex: 0 };
    const found = path === '_config/size' ? size : this.#history.find(({ name }) => name === path);
    if (found === undefined || (found === size && this.size === undefined)) {
      throw new KeysError(errorCodes.keyNotFound, 'Key not found', '/tkn', this.#history.length);
    }
    return found;
  }

  async list(): Promise<TokenListing> {
    this.#mayFail();
    const config = { name: '_config', value: '', createdIndex: 0, modifiedIndex: 0 };
    return { keys: [...this.#history, config].reverse(), index: this.#history.length };
  }

  async create(name: string, value: string): Promise<TokenKey> {
    this.#mayFail();
    if (this.#history.some((key) => key.name === name)) {
      throw new KeysError(errorCodes.nodeExist, 'Key already exists', name, this.#history.length);
    }
    const index = this.#history.length + 1;
    const key = { name, value, createdIndex: index, modifiedIndex: index };
    this.#history.push(key);
    this.wake();
    if (this.losesAnswer) {
      this.losesAnswer = false;
      throw new ServiceFailure('the connection broke');
    }
    return key;
  }

  async wait(name: string | undefined, index: number): Promise<TokenKey | undefined> {
    for (;;) {
      this.#mayFail();
      if (name === undefined && this.emptyWaits > 0) {
        this.emptyWaits -= 1;
        return undefined;
      }
      const news = this.#history.slice(Math.max(0, index - 1));
      const found = news.find((key) => name === undefined || key.name === name);
      if (found !== undefined) return found;
      await this.#changed.promise;
    }
  }

  /** Lets those that wait look again. */
  wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  #mayFail(): void {
    if (this.failing === 0) return;
    this.failing -= 1;
    throw new ServiceFailure('nobody answers');
  }
}
