import type { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { toBuffer, toInt64 } from './encoding.ts';
import { NotCampaigningError } from './errors.ts';
import type { Lease } from './lease.ts';
import type { IKeyValue } from './messages.ts';
import type { Namespace } from './namespace.ts';

/** What a campaign emits, and with what. */
export interface CampaignEvents {
  /** It leads. */
  elected: [];
  /** It has failed: if it has led, it leads no more. */
  error: [error: Error];
}

/** A candidate's part in an election, until it resigns or fails. Its key is the decimal id of its lease. */
export class Campaign extends EventEmitter<CampaignEvents> {
  readonly #namespace: Namespace;
  readonly #lease: Lease;
  /** Resolves with the revision that made the candidate's key. */
  readonly #joined: Promise<string>;
  readonly #over = new AbortController();
  #value: Buffer;
  #isElected = false;

  /** @internal */
  constructor(namespace: Namespace, value: string | Buffer, ttlSeconds: number) {
    super();
    this.#namespace = namespace;
    this.#value = toBuffer(value);
    this.#lease = namespace.lease(ttlSeconds);
    this.#lease.on('lost', (error) => this.#fail(error));
    this.#joined = this.#join();
    this.#run().catch((error: unknown) => this.#fail(error));
  }

  /** Resolves when it leads, and rejects when it fails before. It stays open when the candidate resigns. */
  wait(): Promise<this> {
    return new Promise((resolve, reject) => {
      if (this.#isElected) resolve(this);
      this.once('elected', () => resolve(this));
      this.once('error', reject);
    });
  }

  /** Changes what observers see. Rejects with `NotCampaigningError` when the candidate's part is over. */
  async proclaim(value: string | Buffer): Promise<void> {
    if (this.#over.signal.aborted) throw new NotCampaigningError();
    const next = toBuffer(value);
    if (next.equals(this.#value)) return;
    const revision = await this.#joined;
    const key = await this.#lease.grant();
    const { succeeded } = await this.#namespace
      .if(key, 'Create', '==', revision)
      .then(this.#namespace.put(key).value(next).lease(key))
      .commit();
    if (!succeeded) {
      this.resign().catch(() => undefined);
      throw new NotCampaigningError();
    }
    this.#value = next;
  }

  /** The whole key of the candidate. Rejects when it got no lease. */
  async getCampaignKey(): Promise<string> {
    return this.#namespace.prefix.toString() + (await this.#lease.grant());
  }

  /** Ends it: the next candidate leads. */
  async resign(): Promise<void> {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    await this.#lease.revoke();
  }

  async #join(): Promise<string> {
    const key = await this.#lease.grant();
    const { header, succeeded, responses } = await this.#namespace
      .if(key, 'Create', '==', 0)
      .then(this.#namespace.put(key).value(this.#value).lease(key))
      // The key is there when the first answer was lost.
      .else(this.#namespace.get(key))
      .commit();
    return succeeded ? header.revision : ownRevision(responses[0]?.response_range.kvs[0]);
  }

  async #run(): Promise<void> {
    const revision = await this.#joined;
    for (;;) {
      const before = await this.#candidateBefore(revision);
      if (this.#over.signal.aborted) return;
      if (before === undefined) break;
      await this.#deletionOf(before.key, before.mod_revision);
      if (this.#over.signal.aborted) return;
    }
    this.#isElected = true;
    this.emit('elected');
  }

  /** The last one in line before this one. Throws `NotCampaigningError` when this one is not in line. */
  async #candidateBefore(revision: string): Promise<IKeyValue | undefined> {
    const { kvs } = await this.#namespace
      .getAll()
      .maxCreateRevision(revision)
      .sort('Create', 'Descend')
      .limit(2)
      .exec();
    const [own, before] = kvs;
    if (own?.create_revision !== revision) throw new NotCampaigningError();
    return before;
  }

  /** Resolves when a key that was there at a revision is deleted, or when the candidate resigns. */
  async #deletionOf(key: Buffer, revision: string): Promise<void> {
    const after = String(toInt64(revision) + 1n);
    const watcher = this.#namespace.watch().key(key).startRevision(after).only('delete').watcher();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = () => resolve();
    watcher.once('delete', stop).once('end', stop).once('error', reject);
    this.#over.signal.addEventListener('abort', stop, { once: true });
    try {
      if (!this.#over.signal.aborted) await promise;
    } finally {
      this.#over.signal.removeEventListener('abort', stop);
      await watcher.cancel();
    }
  }

  #fail(error: unknown): void {
    if (this.#over.signal.aborted) return;
    this.resign().catch(() => undefined);
    this.emit('error', error as Error);
  }
}

function ownRevision(kv: IKeyValue | undefined): string {
  if (kv === undefined) throw new NotCampaigningError();
  return kv.create_revision;
}
