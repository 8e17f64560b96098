import type { Clock } from '../../clock.ts';
import type { InitialMember } from '../../config/server-config.ts';
import type { Logger } from '../../logging/logger.ts';
import { Backoff } from '../backoff.ts';
import { joinError } from '../discovery-error.ts';
import { registeredMembers } from '../registered-members.ts';
import { memberKey, membersPrefix, sizeKey } from './keys.ts';
import { type Registry, type RegistryEntry, RegistryError } from './registry.ts';

/** Who registers, and under which token. */
export interface Registration {
  readonly token: string;
  /** The member's id in hex. */
  readonly memberId: string;
  /** `name=url[,name=url…]`. */
  readonly entry: string;
}

export interface JoinDeps {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends it; the promise rejects with its reason. */
  readonly stop: AbortSignal | undefined;
}

/** While members are waited for, how often that is said. */
const progressIntervalMs = 10_000;

/**
 * Registers a member under a token and waits until as many have come as are to found the cluster. Resolves with those
 * that came first. Failures of the registry are tried again, for as long as it takes. Rejects with `DiscoveryError`, or
 * `ConfigError` when two members have one URL.
 */
export async function joinByRegistry(
  registration: Registration,
  deps: JoinDeps,
): Promise<readonly InitialMember[]> {
  return await new Joiner(registration, deps).run();
}

/** What was found under the token. */
interface Found {
  readonly size: number;
  readonly peers: Peers;
  /** The registry's revision at that time. */
  readonly revision: bigint;
}

class Joiner {
  readonly #registration: Registration;
  readonly #deps: JoinDeps;
  readonly #backoff: Backoff;

  constructor(registration: Registration, deps: JoinDeps) {
    this.#registration = registration;
    this.#deps = deps;
    const { clock, stop, logger } = deps;
    const message = 'retry connecting to discovery service';
    const tellPause = (reason: string, backoff: string) =>
      logger.warn(message, { reason, backoff });
    this.#backoff = new Backoff({ clock, stop, tellPause });
  }

  async run(): Promise<readonly InitialMember[]> {
    // One that finds the cluster full leaves no trace.
    await this.#check();
    await this.#register();
    for (;;) {
      const found = await this.#check();
      if (found.peers.count < found.size) await this.#waitForPeers(found);
      const { size, peers } = found;
      if (peers.count >= size) {
        return registeredMembers(peers.first(size), size, 'discovery: invalid peer URL');
      }
    }
  }

  async #check(): Promise<Found> {
    const { token, memberId } = this.#registration;
    const { registry, logger } = this.#deps;
    const size = await this.#persistently('cluster status check', async () => {
      const key = sizeKey(token);
      return await registry.get(key).catch((error: unknown) => {
        const message = 'failed to get cluster size from discovery service';
        logger.warn(message, { clusterSizeKey: key, error });
        throw error;
      });
    });
    if (size === undefined) throw joinError('sizeNotFound', 'discovery: size key not found');
    if (!/^\+?\d+$/.test(size) || !(Number(size) > 0)) {
      throw joinError('badSize', 'discovery: size key is bad');
    }
    const prefix = membersPrefix(token);
    const listing = await this.#persistently('cluster status check', async () => {
      return await registry.list(prefix).catch((error: unknown) => {
        const message = 'failed to get cluster members from discovery service';
        logger.warn(message, { membersKeyPrefix: prefix, error });
        throw error;
      });
    });
    this.#backoff.reset();
    const peers = new Peers(logger);
    for (const entry of listing.entries) peers.add(entry);
    const isFull = peers.isBehind(memberKey(token, memberId), Number(size));
    if (isFull) throw joinError('full', 'discovery: cluster is full');
    return { size: Number(size), peers, revision: listing.revision };
  }

  async #register(): Promise<void> {
    const { token, memberId, entry } = this.#registration;
    const { registry, logger } = this.#deps;
    const key = memberKey(token, memberId);
    await this.#persistently('register member itself', async () => {
      await registry.put(key, entry).catch((error: unknown) => {
        const message = 'failed to register members itself to the discovery service';
        logger.warn(message, { memberKey: key, error });
        throw error;
      });
    });
    this.#backoff.reset();
    logger.info('register member itself successfully', { memberKey: key, memberInfo: entry });
  }

  /** Adds who comes to `peers`. Ends early, after a pause, when the watch breaks: all is to be read anew then. */
  async #waitForPeers({ size, peers, revision }: Found): Promise<void> {
    const { registry, clock, logger, stop } = this.#deps;
    const tellProgress = () => {
      const fields = { clusterSize: size, 'found-peers': peers.count };
      logger.info('waiting for peers from discovery service', fields);
    };
    tellProgress();
    const stopTelling = clock.every(progressIntervalMs, tellProgress);
    try {
      const prefix = membersPrefix(this.#registration.token);
      for await (const entry of registry.watch(prefix, revision + 1n)) {
        peers.add(entry);
        if (peers.count >= size) break;
      }
    } catch (error) {
      stop?.throwIfAborted();
      if (!(error instanceof RegistryError)) throw error;
      logger.warn('error while waiting for peers', { error });
      await this.#backoff.pause('waiting for other nodes');
      return;
    } finally {
      stopTelling();
    }
    stop?.throwIfAborted();
    const fields = { clusterSize: size, 'found-peers': peers.count };
    logger.info('found all needed peers from discovery service', fields);
  }

  #persistently<T>(reason: string, attempt: () => Promise<T>): Promise<T> {
    return this.#backoff.persist(reason, attempt, (error) => {
      if (!(error instanceof RegistryError)) throw error;
      if (error.isFinal) throw joinError('refused', error.message);
    });
  }
}

/** Members that registered, in the order in which they came. */
class Peers {
  readonly #logger: Logger;
  #entries: RegistryEntry[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get count(): number {
    return this.#entries.length;
  }

  add(entry: RegistryEntry): void {
    const fields = { memberKey: entry.key, memberInfo: entry.value };
    if (!entry.value.includes('=')) {
      this.#logger.warn('invalid peer info returned from discovery service', fields);
    } else if (this.#entries.some(({ key }) => key === entry.key)) {
      this.#logger.warn('found duplicate peer from discovery service', fields);
    } else {
      this.#logger.info('found peer from discovery service', fields);
      this.#entries = [...this.#entries, entry].sort((a, b) =>
        a.createRevision < b.createRevision ? -1 : Number(a.createRevision > b.createRevision),
      );
    }
  }

  /** Whether as many as are wanted came before the one with this key. */
  isBehind(key: string, size: number): boolean {
    const place = this.#entries.findIndex((entry) => entry.key === key);
    return (place < 0 ? this.count : place) >= size;
  }

  /** What those registered who came first. */
  first(size: number): string[] {
    return this.#entries.slice(0, size).map(({ value }) => value.trim());
  }
}
