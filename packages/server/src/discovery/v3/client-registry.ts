import { readFileSync } from 'node:fs';
import {
  type Client,
  ClientError,
  type ConnectOptions,
  connect,
  type TlsOptions,
} from '@kvorum/client';
import type { V3Discovery } from '../../config/discovery-setting.ts';
import { DiscoveryError } from '../discovery-error.ts';
import {
  type Registry,
  type RegistryEntry,
  RegistryError,
  type RegistryListing,
} from './registry.ts';

/** What ends a call for good: the user, the token or the flags are wrong. */
const finalStatuses: ReadonlySet<number> = new Set([3, 7, 16]);

/** The registry at --discovery-endpoints. Throws `DiscoveryError` when a file for TLS can't be read. */
export function clientRegistry(setting: V3Discovery, stop: AbortSignal | undefined): Registry {
  return new ClientRegistry(connect(connectOptions(setting)), stop);
}

class ClientRegistry implements Registry {
  readonly #client: Client;
  readonly #options: { readonly signal?: AbortSignal };

  constructor(client: Client, stop: AbortSignal | undefined) {
    this.#client = client;
    this.#options = stop === undefined ? {} : { signal: stop };
  }

  async get(key: string): Promise<string | undefined> {
    const found = await this.#client.get(key, this.#options).catch(rethrow);
    return found?.string();
  }

  async list(prefix: string): Promise<RegistryListing> {
    const listing = await this.#client.range({ prefix }, this.#options).catch(rethrow);
    return { entries: listing.entries.map(entryOf), revision: listing.revision };
  }

  async put(key: string, value: string): Promise<void> {
    await this.#client.put(key, value, this.#options).catch(rethrow);
  }

  async *watch(prefix: string, startRevision: bigint): AsyncGenerator<RegistryEntry> {
    await using watch = this.#client.watch({ prefix }, { startRevision, ...this.#options });
    try {
      for await (const { entry } of watch) yield entryOf(entry);
    } catch (error) {
      rethrow(error);
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** With what was tried, where an endpoint could not be reached. */
function rethrow(error: unknown): never {
  if (!(error instanceof ClientError)) throw error;
  const { message, failures, status } = error;
  const isFinal = finalStatuses.has(status);
  const tried = failures.map((failure) => `${failure.endpoint}: ${failure.message}`);
  const text = isFinal || tried.length === 0 ? message : `${message} (${tried.join('; ')})`;
  throw new RegistryError(text, isFinal);
}

function entryOf(entry: {
  keyString(): string;
  string(): string;
  readonly createRevision: bigint;
}): RegistryEntry {
  const { createRevision } = entry;
  return { key: entry.keyString(), value: entry.string(), createRevision };
}

function connectOptions(setting: V3Discovery): ConnectOptions {
  const tls = tlsOptions(setting);
  const { user } = setting;
  return {
    endpoints: setting.endpoints,
    timeoutMs: setting.requestTimeoutMs,
    dialTimeoutMs: setting.dialTimeoutMs,
    keepaliveIntervalMs: setting.keepaliveTimeMs,
    keepaliveTimeoutMs: setting.keepaliveTimeoutMs,
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { credentials: user }),
  };
}

/** As in etcd: files for TLS mean TLS, also where --discovery-insecure-transport says otherwise. */
function tlsOptions({ secure, endpoints }: V3Discovery): TlsOptions | undefined {
  const { cert, key, cacert, insecureTransport, insecureSkipVerify } = secure;
  const isWanted = [cert, key, cacert].some((path) => path !== '') || !insecureTransport;
  const isSaid = insecureSkipVerify && endpoints.every((one) => /^https:|^unixs:/i.test(one));
  if (!isWanted && !isSaid) return undefined;
  return {
    ...(cacert === '' ? {} : { ca: pemOf('--discovery-cacert', cacert) }),
    ...(cert === '' ? {} : { cert: pemOf('--discovery-cert', cert) }),
    ...(key === '' ? {} : { key: pemOf('--discovery-key', key) }),
    insecureSkipVerify,
  };
}

function pemOf(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as Error).message;
    throw new DiscoveryError('refused', `cannot read ${flag}: ${why}`);
  }
}
