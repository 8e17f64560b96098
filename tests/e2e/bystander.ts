import { createClient, type Transport } from '@connectrpc/connect';
import * as api from '@kvorum/api';
import { expect } from 'vitest';
import { eventually } from '../framework/eventually.ts';

/** How long an undisturbed watch and its writer must go on to be believed, in events. */
const ROUNDS = 5;

/**
 * A well-behaved client: watches a key and puts its next value whenever the watch tells of the last one. A lost event
 * stops it, one that is repeated or wrong makes it fail.
 */
export class Bystander {
  rounds = 0;
  #failure: unknown;
  readonly #key: Uint8Array;
  readonly #transport: Transport;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;

  constructor(transport: Transport, key: string) {
    this.#transport = transport;
    this.#key = Buffer.from(key);
    this.#ended = this.#run().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#failure = error;
    });
  }

  /** Resolves when some more rounds went by; throws what went wrong. */
  async goesOn(): Promise<void> {
    const goal = this.rounds + ROUNDS;
    await eventually('more rounds of the bystander', () => {
      if (this.#failure !== undefined) return true;
      return this.rounds >= goal;
    });
    expect(this.#failure).toBeUndefined();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
    expect(this.#failure).toBeUndefined();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const watch = createClient(api.Watch, this.#transport).watch(this.#requests(), { signal });
    for await (const { created, events } of watch) {
      for (const event of events) {
        expect(Buffer.from(event.kv?.value ?? []).toString()).toBe(String(this.rounds));
        this.rounds += 1;
      }
      if (created || events.length > 0) await this.#put();
    }
    throw new Error('the watch of the bystander has ended');
  }

  async #put(): Promise<void> {
    const value = Buffer.from(String(this.rounds));
    await createClient(api.KV, this.#transport).put({ key: this.#key, value });
  }

  async *#requests() {
    yield { requestUnion: { case: 'createRequest' as const, value: { key: this.#key } } };
    await new Promise((resolve) => this.#abort.signal.addEventListener('abort', resolve));
  }
}
