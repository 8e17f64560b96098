import type { Clock } from '../../clock.ts';
import type { InitialMember } from '../../config/server-config.ts';
import type { Logger } from '../../logging/logger.ts';
import { Backoff } from '../backoff.ts';
import { joinError } from '../discovery-error.ts';
import { registeredMembers } from '../registered-members.ts';
import {
  errorCodes,
  ForeignAnswer,
  KeysError,
  ServiceFailure,
  type TokenKey,
  type TokenKeys,
} from './token-keys.ts';

/** Who registers, and where. */
export interface TokenRegistration {
  /** Of the service, for the log. */
  readonly serviceUrl: string;
  /** The member's id in hex. */
  readonly memberId: string;
  /** `name=url[,name=url…]`. */
  readonly entry: string;
}

export interface TokenJoinDeps {
  readonly keys: TokenKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends it; the promise rejects with its reason. */
  readonly stop: AbortSignal | undefined;
}

/** While members are waited for, how often that is said. */
const progressIntervalMs = 10_000;

/** The key of the number of founding members; what is beside it are members. */
const configName = '_config';

/**
 * Registers a member under a token of etcd's v2 discovery and waits until as many have come as are to found the cluster.
 * Resolves with those that came first. Failures of the service are tried again, for as long as it takes. Rejects with
 * `DiscoveryError`, or `ConfigError` when two members have one URL.
 */
export async function joinByToken(
  registration: TokenRegistration,
  deps: TokenJoinDeps,
): Promise<readonly InitialMember[]> {
  return await new TokenJoiner(registration, deps).run();
}

/** What was found under the token, those that came first in front. */
interface Found {
  readonly size: number;
  readonly members: TokenKey[];
  readonly index: number;
}

class TokenJoiner {
  readonly #registration: TokenRegistration;
  readonly #deps: TokenJoinDeps;
  readonly #backoff: Backoff;

  constructor(registration: TokenRegistration, deps: TokenJoinDeps) {
    this.#registration = registration;
    this.#deps = deps;
    const { clock, stop, logger } = deps;
    const { serviceUrl: url } = registration;
    const message = 'retry connecting to discovery service';
    const tellPause = (reason: string, backoff: string) => {
      logger.info(message, { url, reason, backoff });
    };
    this.#backoff = new Backoff({ clock, stop, tellPause });
  }

  async run(): Promise<readonly InitialMember[]> {
    // One that finds the cluster full leaves no trace.
    await this.#check();
    await this.#register();
    for (;;) {
      const found = await this.#check();
      const { size, members } = found;
      members.splice(size);
      for (const member of members) this.#tellFound(member);
      if (members.length < size) await this.#waitForPeers(found);
      if (members.length === size) {
        this.#log('found all needed peers from discovery server', { 'found-peers': size });
        const entries = members.map(({ value }) => value);
        return registeredMembers(entries, size, 'discovery: invalid URL');
      }
    }
  }

  async #check(): Promise<Found> {
    const { keys } = this.#deps;
    const path = `${configName}/size`;
    const { value } = await this.#persistently('cluster status check', path, () => keys.get(path));
    const size = /^\d+$/.test(value) ? Number(value) : 0;
    if (size === 0) throw joinError('badSize', 'discovery: size key is bad');
    const listing = await this.#persistently('cluster status check', '', () => keys.list());
    this.#backoff.reset();
    const members = listing.keys
      .filter(({ name }) => name !== configName)
      .sort((a, b) => a.createdIndex - b.createdIndex);
    const place = members.findIndex(({ name }) => name === this.#registration.memberId);
    if ((place < 0 ? members.length : place) >= size) {
      throw joinError('full', 'discovery: cluster is full');
    }
    return { size, members, index: listing.index };
  }

  async #register(): Promise<void> {
    const { memberId, entry } = this.#registration;
    const { keys } = this.#deps;
    let mayHaveRegistered = false;
    const created = await this.#persistently('register member itself', memberId, async () => {
      try {
        return await keys.create(memberId, entry);
      } catch (error) {
        if (error instanceof ServiceFailure) mayHaveRegistered = true;
        if (!isCode(error, errorCodes.nodeExist)) throw error;
        const present = mayHaveRegistered ? await keys.get(memberId) : undefined;
        if (present?.value === entry) return present;
        throw joinError('duplicateId', 'discovery: found duplicate id');
      }
    });
    this.#backoff.reset();
    // What is read next may come from another member of the service, which hears of it later.
    await this.#persistently('register member itself', memberId, async () => {
      await keys.wait(memberId, created.createdIndex).catch((error: unknown) => {
        if (!isCode(error, errorCodes.eventIndexCleared)) throw error;
      });
    });
  }

  /** Adds who comes to `members`. Ends early, after a pause, when the wait breaks: all is to be read anew then. */
  async #waitForPeers({ size, members, index }: Found): Promise<void> {
    const { keys, clock, stop } = this.#deps;
    const tellProgress = () => {
      const counts = { 'found-peers': members.length, 'needed-peers': size - members.length };
      this.#log('found peers from discovery server; waiting for more', counts);
    };
    const stopTelling = clock.every(progressIntervalMs, tellProgress);
    try {
      for (let next = index + 1; members.length < size; ) {
        tellProgress();
        const begunMs = clock.nowMs();
        const key = await keys.wait(undefined, next);
        if (key === undefined) {
          // Some end a long wait with an empty answer. One that does so at once is not to be asked without a pause.
          if (clock.nowMs() - begunMs < 1000) await this.#backoff.pause('waiting for other nodes');
          continue;
        }
        next = key.modifiedIndex + 1;
        const isNew = key.value !== '' && !members.some(({ name }) => name === key.name);
        if (!isNew) continue;
        members.push(key);
        this.#tellFound(key);
      }
    } catch (error) {
      stop?.throwIfAborted();
      if (!(error instanceof ServiceFailure) && !isCode(error, errorCodes.eventIndexCleared)) {
        throw this.#refusal(error);
      }
      const { serviceUrl } = this.#registration;
      const fields = { 'discovery-url': serviceUrl, error };
      this.#deps.logger.warn('error while waiting for peers', fields);
      await this.#backoff.pause('waiting for other nodes');
    } finally {
      stopTelling();
    }
  }

  /** Tries again until the service answers. */
  #persistently<T>(reason: string, path: string, attempt: () => Promise<T>): Promise<T> {
    return this.#backoff.persist(reason, attempt, (error) => {
      if (!(error instanceof ServiceFailure)) throw this.#refusal(error);
      const fields = { 'discovery-url': this.#registration.serviceUrl, path: `/${path}`, error };
      this.#deps.logger.warn('failed to get from discovery server', fields);
    });
  }

  /** What an answer that is no failure of the service means for this member. */
  #refusal(error: unknown): unknown {
    if (error instanceof ForeignAnswer) {
      return joinError('badEndpoint', 'discovery: bad discovery endpoint');
    }
    if (!(error instanceof KeysError)) return error;
    const isUnknown = error.errorCode === errorCodes.keyNotFound;
    return joinError(isUnknown ? 'sizeNotFound' : 'refused', error.message);
  }

  #tellFound({ name }: TokenKey): void {
    const isSelf = name === this.#registration.memberId;
    if (isSelf) this.#log('found self from discovery server', { self: name });
    else this.#log('found peer from discovery server', { peer: name });
  }

  #log(message: string, fields: Readonly<Record<string, unknown>>): void {
    const { serviceUrl } = this.#registration;
    this.#deps.logger.info(message, { 'discovery-url': serviceUrl, ...fields });
  }
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof KeysError && error.errorCode === code;
}
