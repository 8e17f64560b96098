import type { Client, Lease } from '@kvorum/client';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging/logger.ts';

/** How a proxy makes itself known to others and to clients that look for proxies. */
export interface RegistrationOptions {
  /** In the proxy's namespace. */
  readonly client: Client;
  /** --resolver-prefix. */
  readonly prefix: string;
  /** --resolver-ttl. */
  readonly ttlSeconds: number;
  /** --advertise-client-url. */
  readonly address: string;
  readonly hostname: string;
  readonly logger: Logger;
  readonly after: Clock['after'];
}

/** One proxy that has registered. */
export interface RegisteredProxy {
  readonly name: string;
  readonly address: string;
}

/** Between two attempts to register, in ms. */
const RETRY_MS = 1000;
/** How long the members may take to forget a proxy that stops, in ms; then its lease runs out by itself. */
const FAREWELL_MS = 5000;

/**
 * A key under a prefix, `PREFIX/ADDRESS`, with a lease that is kept while the proxy runs: what etcd's naming resolver
 * reads. A lease that was lost is replaced, and so is the key.
 */
export class Registration {
  readonly #options: RegistrationOptions;
  #lease: Lease | undefined;
  #stopTimer: () => void = () => {};
  #isEnded = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    void this.#register();
  }

  /** Takes the key away, if the members can be reached. Never rejects. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#stopTimer();
    if (this.#lease === undefined) return;
    const late = Promise.withResolvers<void>();
    const stopTimer = this.#options.after(FAREWELL_MS, late.resolve);
    await Promise.race([this.#lease[Symbol.asyncDispose]().catch(() => {}), late.promise]);
    stopTimer();
  }

  async #register(): Promise<void> {
    const { client, prefix, ttlSeconds, address, hostname, logger } = this.#options;
    const key = `${prefix}/${address}`;
    try {
      const lease = await client.lease(ttlSeconds);
      if (this.#isEnded) {
        await lease[Symbol.asyncDispose]();
        return;
      }
      this.#lease = lease;
      const Metadata = JSON.stringify({ name: hostname });
      await client.put(key, JSON.stringify({ Op: 0, Addr: address, Metadata }), { lease });
      logger.info('registered session with lease', { addr: address, 'lease-ttl': ttlSeconds });
      lease.signal.addEventListener('abort', () => {
        if (this.#isEnded) return;
        logger.warn('session expired; possible network partition or server restart', { key });
        this.#retry();
      });
    } catch (error) {
      if (this.#isEnded) return;
      logger.warn('failed to register', { key, error });
      this.#retry();
    }
  }

  #retry(): void {
    this.#stopTimer = this.#options.after(RETRY_MS, () => void this.#register());
  }
}

/** What the value of a key that a proxy has registered says; undefined when it is something else. */
export function readRegistration(value: Uint8Array): RegisteredProxy | undefined {
  try {
    const { Addr, Metadata } = JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>;
    if (typeof Addr !== 'string') return undefined;
    // Other versions of etcd write the metadata as an object.
    const metadata = typeof Metadata === 'string' ? JSON.parse(Metadata) : Metadata;
    const name = (metadata as { readonly name?: unknown } | null)?.name;
    return { name: typeof name === 'string' ? name : '', address: Addr };
  } catch {
    return undefined;
  }
}
