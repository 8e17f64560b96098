import { type Client, ClientError, type Lease, type Timers } from '@kvorum/client';
import { pause, persistently } from './persistently.ts';
import { type Health, type InstanceInit, instanceValue } from './service-instance.ts';

/** How an instance is kept registered. */
export interface RegistrationOptions {
  /** How long it is found after its process has died without a word, in whole seconds. Default 10. */
  readonly ttlSeconds?: number;
  /**
   * Asked again and again whether the instance can serve: false, or an error, says that it cannot. The signal fires
   * when the registration is closed. Default: it can.
   */
  readonly check?: (signal: AbortSignal) => boolean | Promise<boolean>;
  /** Between two checks, in ms. Default 5000. */
  readonly checkIntervalMs?: number;
  /**
   * Told when the registration could not be kept, and will not be tried again, since the server refuses; else such an
   * error is not seen. Default: nobody.
   */
  readonly onError?: (error: ClientError) => void;
}

/** What a registration works with. */
export interface RegistrationParts {
  readonly client: Client;
  readonly timers: Timers;
  readonly key: string;
  readonly id: string;
  readonly instance: InstanceInit;
  readonly options: RegistrationOptions;
}

const defaultTtlSeconds = 10;
const defaultCheckIntervalMs = 5000;

/** An instance that is registered until this is closed. Leaving its `await using` closes it. */
export class Registration implements AsyncDisposable {
  readonly id: string;
  /** At the server. */
  readonly key: string;
  readonly #parts: RegistrationParts;
  readonly #closed = new AbortController();
  #instance: InstanceInit;
  #lease: Lease | undefined = undefined;
  /** Writes happen one after the other. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(parts: RegistrationParts) {
    this.id = parts.id;
    this.key = parts.key;
    this.#parts = parts;
    this.#instance = parts.instance;
  }

  /** For `ServiceRegistry.register`. Rejects with `ClientError`. */
  static async open(parts: RegistrationParts): Promise<Registration> {
    const registration = new Registration(parts);
    await registration.#register();
    void registration.#keep();
    if (parts.options.check !== undefined) void registration.#check(parts.options.check);
    return registration;
  }

  /** As it was told last. */
  get health(): Health {
    return this.#instance.health ?? 'serving';
  }

  /** Says whether it can serve. Rejects with `ClientError`; what was said is written later then, with the next lease. */
  async setHealth(health: Health): Promise<void> {
    if (health !== this.health) await this.#change({ ...this.#instance, health });
  }

  /** Changes what is known of it. Rejects as `setHealth` does. */
  async update(changes: Pick<InstanceInit, 'address'> | { readonly metadata: unknown }) {
    await this.#change({ ...this.#instance, ...changes });
  }

  /** Takes it out of the registry. A server that cannot be told is no error: the lease runs out. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await this.#writing.catch(() => {});
    await this.#lease?.[Symbol.asyncDispose]();
  }

  /** Ends it, as `close` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #change(instance: InstanceInit): Promise<void> {
    this.#instance = instance;
    const write = async () => {
      if (this.#closed.signal.aborted || this.#lease?.signal.aborted !== false) return;
      await this.#put(this.#lease);
    };
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => {});
    await written;
  }

  async #register(): Promise<void> {
    const { client, options } = this.#parts;
    const lease = await client.lease(options.ttlSeconds ?? defaultTtlSeconds);
    try {
      await this.#put(lease);
      this.#lease = lease;
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #put(lease: Lease): Promise<void> {
    const { client, timers } = this.#parts;
    // It may be done twice: it says what is so now.
    await persistently(
      () => client.put(this.key, instanceValue(this.#instance), { lease }),
      timers,
      lease.signal,
    );
  }

  /** Registers it anew whenever its lease is lost. */
  async #keep(): Promise<void> {
    const { signal } = this.#closed;
    const { timers, options } = this.#parts;
    for (;;) {
      await this.#untilLost(signal);
      if (signal.aborted) return;
      try {
        const writing = this.#writing.then(() =>
          persistently(() => this.#register(), timers, signal),
        );
        this.#writing = writing.catch(() => {});
        await writing;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ClientError)) throw error;
        // The lease may be lost again before anything was written.
        if (error.code.startsWith('lease')) continue;
        options.onError?.(error);
        return;
      }
    }
  }

  #untilLost(closed: AbortSignal): Promise<void> {
    const lost = this.#lease?.signal;
    return new Promise((resolve) => {
      if (lost === undefined || lost.aborted || closed.aborted) return resolve();
      const either = AbortSignal.any([lost, closed]);
      either.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #check(check: (signal: AbortSignal) => boolean | Promise<boolean>): Promise<void> {
    const { signal } = this.#closed;
    const { timers, options } = this.#parts;
    while (!signal.aborted) {
      const isWell = await ask(check, signal);
      if (signal.aborted) return;
      // What could not be written is written with the next lease, or after the next change.
      await this.setHealth(isWell ? 'serving' : 'notServing').catch(() => {});
      await pause(timers, options.checkIntervalMs ?? defaultCheckIntervalMs, signal);
    }
  }
}

async function ask(
  check: (signal: AbortSignal) => boolean | Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await check(signal);
  } catch {
    return false;
  }
}
