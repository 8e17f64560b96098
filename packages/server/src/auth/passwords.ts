import { EtcdError, grpcStatus } from '@kvorum/api';

/** Makes and compares hashes of passwords. Both take long, on purpose, and must not hold up the event loop. */
export interface PasswordHashing {
  /** A hash in bcrypt's text form, `$2b$10$…` or `$2a$10$…`. */
  hash(password: string): Promise<string>;
  isSame(password: string, hash: string): Promise<boolean>;
}

/** bcrypt uses no more of a password; etcd refuses longer ones rather than cut them. */
const MAX_PASSWORD_BYTES = 72;
/**
 * Hashes that are worked on at a time. They share the thread pool with the syncs of the log: with its four threads all
 * busy, a write would wait for a password.
 */
const MAX_RUNNING = 2;
/** Beyond this one waits longer than a request may: 1000 passwords take half a minute. */
const MAX_WAITING = 1000;

/** Hashes few passwords at a time; those that come meanwhile wait, up to a limit. */
export class Passwords {
  readonly #hashing: PasswordHashing;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(hashing: PasswordHashing) {
    this.#hashing = hashing;
  }

  /**
   * The hash to be stored, as it travels through the log. Rejects with `EtcdError` tooManyRequests, and for a password
   * of more than 72 bytes.
   */
  async hash(password: string): Promise<string> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
      const text = `bcrypt: password length exceeds ${MAX_PASSWORD_BYTES} bytes`;
      throw new EtcdError('unmapped', grpcStatus.unknown, text);
    }
    const hash = await this.#inTurn(() => this.#hashing.hash(password));
    return Buffer.from(hash).toString('base64');
  }

  /** Whether a password is the one behind a stored hash. Rejects with `EtcdError` tooManyRequests. */
  async isSame(password: string, hash: Uint8Array): Promise<boolean> {
    const text = Buffer.from(hash).toString();
    return await this.#inTurn(() => this.#hashing.isSame(password, text));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < MAX_RUNNING) this.#running++;
    else {
      if (this.#waiting.length >= MAX_WAITING) throw new EtcdError('tooManyRequests');
      // Whoever is done leaves its place to the first that waits.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
