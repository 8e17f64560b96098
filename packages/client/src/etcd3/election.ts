import type { Buffer } from 'node:buffer';
import { Campaign } from './campaign.ts';
import { ElectionObserver } from './election-observer.ts';
import type { Namespace } from './namespace.ts';

/** An election: of all candidates the one leads who came first. It goes together with that of npm's etcd3. */
export class Election {
  /** What keys of elections begin with, in their namespace. */
  static readonly prefix = 'election';
  /** What this election is called. */
  readonly name: string;
  readonly #namespace: Namespace;
  readonly #ttlSeconds: number;

  /** @internal */
  constructor(parent: Namespace, name: string, ttlSeconds = 60) {
    this.name = name;
    this.#ttlSeconds = ttlSeconds;
    this.#namespace = parent.namespace(`${Election.prefix}/${name}/`);
  }

  /** Stands for election, with a value that observers see while it leads. */
  campaign(value: string): Campaign {
    return new Campaign(this.#namespace, value, this.#ttlSeconds);
  }

  /** What the leader has proclaimed; undefined when nobody leads. */
  leader(encoding?: BufferEncoding): Promise<string | undefined>;
  /** The same as bytes. */
  leader(encoding: 'buffer'): Promise<Buffer | undefined>;
  async leader(encoding: BufferEncoding | 'buffer' = 'utf8'): Promise<string | Buffer | undefined> {
    const { kvs } = await this.#namespace.getAll().sort('Create', 'Ascend').limit(1).exec();
    const value = kvs[0]?.value;
    return encoding === 'buffer' ? value : value?.toString(encoding);
  }

  /** Watches who leads; resolves once that is known. */
  async observe(): Promise<ElectionObserver> {
    const observer = new ElectionObserver(this.#namespace);
    await observer.known;
    return observer;
  }
}
