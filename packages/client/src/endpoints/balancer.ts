import type { Channel, ChannelFactory } from '../channel.ts';
import { ClientError } from '../errors.ts';
import type { Timers } from '../timers.ts';
import { type Discover, type Discovery, parseDiscovery } from './discovery.ts';
import { parseEndpoint } from './endpoint.ts';
import { EndpointHealth } from './endpoint-health.ts';

/** DNS is asked again no sooner than this after it was asked, in ms. */
const rediscoveryMs = 10_000;

/** What a balancer is made of. */
export interface BalancerOptions {
  /** As the user wrote them. */
  readonly endpoints: readonly string[];
  readonly factory: ChannelFactory;
  readonly timers: Timers;
  /** Undefined where there is no DNS. */
  readonly discover: Discover | undefined;
}

/** A domain whose records name members, and what they named last. */
interface Source {
  readonly discovery: Discovery;
  urls: readonly string[];
}

/**
 * The channels of all endpoints, and who is asked next: everybody in turn, those that lately failed last. Channels are
 * made when their turn comes.
 */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #health = new WeakMap<Channel, EndpointHealth>();
  #fixed: readonly string[] = [];
  #sources: readonly Source[] = [];
  #channels: readonly Channel[] = [];
  #turn = 0;
  #discovering: Promise<void> | undefined = undefined;
  /** By the client's timers; undefined: DNS has not named anybody yet. */
  #discoveredAtMs: number | undefined = undefined;
  #isDiscoveryStale = false;

  /** Throws `ClientError` "configuration" when there is no endpoint, or one is malformed. */
  constructor(options: BalancerOptions) {
    this.#options = options;
    this.replace(options.endpoints);
  }

  /** Those that are in use, as the user or DNS wrote them. */
  get endpoints(): readonly string[] {
    return this.#channels.map((channel) => channel.endpoint.text);
  }

  /** Those of all endpoints, in the order of `endpoints`. */
  get channels(): readonly Channel[] {
    return this.#channels;
  }

  /** To be awaited before `next`; undefined when there is nothing to wait for. Rejects with `ClientError`. */
  prepare(): Promise<void> | undefined {
    if (this.#sources.length === 0) return undefined;
    const at = this.#discoveredAtMs;
    const isDue = at === undefined || this.#options.timers.now() >= at + rediscoveryMs;
    if (at !== undefined && !(this.#isDiscoveryStale && isDue)) return undefined;
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined;
    });
    return this.#discovering;
  }

  /** Channels in the order to try them for one call, `preferred` first; `isWrite` for one that must not be repeated. */
  next(preferred?: Channel, isWrite = false): readonly Channel[] {
    const count = this.#channels.length;
    if (count < 2) return this.#channels;
    const nowMs = this.#options.timers.now();
    const start = this.#turn % count;
    this.#turn = start + 1;
    const inTurn = [...this.#channels.slice(start), ...this.#channels.slice(0, start)];
    if (preferred !== undefined)
      inTurn.sort((a, b) => Number(b === preferred) - Number(a === preferred));
    const up: Channel[] = [];
    const down: Channel[] = [];
    for (const channel of inTurn) {
      const health = this.#healthOf(channel);
      // Nobody has told of a connection that was lost while no call was under way.
      if (channel.state === 'failing' && !health.isOnTrial) health.failed(nowMs);
      (health.isDown(nowMs, isWrite) ? down : up).push(channel);
    }
    const [first] = up;
    // While this call finds out whether it is there again, others try it last.
    if (first !== undefined && this.#healthOf(first).isOnTrial) this.failed(first);
    return [...up, ...down];
  }

  /** The endpoint has answered. */
  worked(channel: Channel): void {
    this.#healthOf(channel).worked();
  }

  /** The endpoint could not be reached, or could not do what every endpoint should. */
  failed(channel: Channel): void {
    const nowMs = this.#options.timers.now();
    this.#healthOf(channel).failed(nowMs);
    // Of streams nobody says that all were tried.
    if (this.#channels.every((one) => this.#healthOf(one).isDown(nowMs))) this.allFailed();
  }

  /** The endpoint has left a call without an answer that another one has answered. */
  silent(channel: Channel): void {
    this.#healthOf(channel).silent(this.#options.timers.now());
  }

  /** Nobody has answered: perhaps others have taken their places. */
  allFailed(): void {
    this.#isDiscoveryStale = true;
  }

  /**
   * Goes on with other endpoints; calls that are under way go on where they are. Throws `ClientError` "configuration".
   */
  replace(endpoints: readonly string[]): void {
    if (endpoints.length === 0) {
      throw new ClientError({ code: 'configuration', message: 'no endpoints were given' });
    }
    const domains = new Map(endpoints.map((text) => [text, parseDiscovery(text)]));
    const fixed = endpoints.filter((text) => domains.get(text) === undefined);
    for (const text of fixed) parseEndpoint(text);
    const sources = [...domains.values()].filter((discovery) => discovery !== undefined);
    if (sources.length > 0 && this.#options.discover === undefined) {
      const message =
        'dns+srv:// needs DNS, which is not to be had here: name the members themselves';
      throw new ClientError({ code: 'configuration', message });
    }
    this.#fixed = fixed;
    this.#sources = sources.map((discovery) => ({ discovery, urls: [] }));
    this.#discoveredAtMs = undefined;
    this.#open(fixed);
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  /** Domains of which DNS says nothing now keep what it said last. */
  async #discover(): Promise<void> {
    const { discover, timers } = this.#options;
    const sources = this.#sources;
    if (discover === undefined) return;
    let failure: unknown;
    await Promise.all(
      sources.map(async (source) => {
        try {
          const { secure, insecure } = await discover(source.discovery);
          // No step back from TLS where there is some; both would be the same members.
          source.urls = secure.length > 0 ? secure : insecure;
        } catch (error) {
          failure = error;
        }
      }),
    );
    // Other endpoints were given meanwhile.
    if (this.#sources !== sources) return;
    const found = [...new Set([...this.#fixed, ...sources.flatMap(({ urls }) => urls)])];
    if (found.length === 0) throw failure;
    this.#discoveredAtMs = timers.now();
    this.#isDiscoveryStale = false;
    this.#open(found);
  }

  #open(texts: readonly string[]): void {
    const old = this.#channels;
    this.#channels = texts.map((text) => {
      const kept = old.find((channel) => channel.endpoint.text === text);
      return kept ?? this.#options.factory(parseEndpoint(text));
    });
    for (const channel of old) if (!this.#channels.includes(channel)) channel.retire();
  }

  #healthOf(channel: Channel): EndpointHealth {
    let health = this.#health.get(channel);
    if (health === undefined) {
      health = new EndpointHealth();
      this.#health.set(channel, health);
    }
    return health;
  }
}
