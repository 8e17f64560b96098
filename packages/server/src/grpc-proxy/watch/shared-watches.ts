import type { Backend } from '../backend.ts';
import type { KeySpan, KeyTranslation } from '../namespace.ts';
import type { ProxyMetrics } from '../proxy-metrics.ts';
import type { Subscriber } from './broadcast.ts';
import { WatchGroup } from './watch-group.ts';

/** What the watches of a proxy are made of. */
export interface SharedWatchesOptions {
  readonly backend: Backend;
  readonly metrics: ProxyMetrics;
  readonly translation: KeyTranslation;
  /** A key of the clients has changed. */
  readonly onChange: (key: Uint8Array) => void;
}

/** The groups of those who call with one token. */
interface TokenGroups {
  readonly groups: Map<string, WatchGroup>;
}

/**
 * The watches of all clients, by who may see what and by range: those with the same token and range share one at the
 * members. What somebody may watch is the members' business, so watchers with other tokens share nothing.
 */
export class SharedWatches {
  readonly #options: SharedWatchesOptions;
  readonly #byToken = new Map<string | undefined, TokenGroups>();

  constructor(options: SharedWatchesOptions) {
    this.#options = options;
  }

  /** Has a watcher of a client's range told of everything from its `nextRevision` on. */
  attach(token: string | undefined, span: KeySpan, subscriber: Subscriber): void {
    this.#groupOf(token, span).attach(subscriber);
  }

  #groupOf(token: string | undefined, span: KeySpan): WatchGroup {
    let own = this.#byToken.get(token);
    if (own === undefined) {
      own = { groups: new Map() };
      this.#byToken.set(token, own);
    }
    const { groups } = own;
    const name = nameOf(span);
    let group = groups.get(name);
    if (group === undefined) {
      const { backend, metrics, translation, onChange } = this.#options;
      const client = backend.clientFor(token);
      group = new WatchGroup(
        {
          watch: (keys, options) => client.watch(keys, options),
          span: translation.span(span),
          header: backend.header,
          metrics,
          strip: translation.strip,
          onChange,
        },
        () => this.#onEmpty(token, name),
      );
      groups.set(name, group);
    }
    return group;
  }

  #onEmpty(token: string | undefined, name: string): void {
    const own = this.#byToken.get(token);
    own?.groups.delete(name);
    if (own?.groups.size !== 0) return;
    this.#byToken.delete(token);
    if (token !== undefined) void this.#options.backend.forget(token);
  }
}

function nameOf({ key, rangeEnd }: KeySpan): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  return `${key.length}\n${text(key)}${text(rangeEnd)}`;
}
