import { type Client, connect } from '@kvorum/client';
import { Reading } from '../client/watching.ts';
import { eventually } from '../framework/eventually.ts';

/** How long a crowd may take to see what it should, on a busy machine, in ms. */
const CROWD_DEADLINE_MS = 50_000;

/** Many clients with a connection each, who all watch one prefix. */
export class Crowd implements AsyncDisposable {
  readonly #clients: readonly Client[];
  readonly #readings: readonly Reading[];

  private constructor(clients: readonly Client[], readings: readonly Reading[]) {
    this.#clients = clients;
    this.#readings = readings;
  }

  /** Resolves when all of them watch. */
  static async gather(size: number, endpoint: string, prefix: string): Promise<Crowd> {
    const clients = Array.from({ length: size }, () =>
      connect({ endpoints: [endpoint], timeoutMs: CROWD_DEADLINE_MS }),
    );
    const watches = clients.map((client) => client.watch({ prefix }));
    const crowd = new Crowd(
      clients,
      watches.map((watch) => new Reading(watch)),
    );
    try {
      await Promise.all(watches.map((watch) => watch.opened));
    } catch (error) {
      await crowd[Symbol.asyncDispose]();
      throw error;
    }
    return crowd;
  }

  /** One of them. */
  get first(): Client {
    const [client] = this.#clients;
    if (client === undefined) throw new Error('the crowd is empty');
    return client;
  }

  /** Resolves with the different histories that were seen, once all have seen the last event. */
  async histories(last: string): Promise<string[]> {
    await eventually(
      `${last} at all ${this.#readings.length} clients`,
      () => this.#readings.every(({ texts }) => texts.at(-1) === last),
      CROWD_DEADLINE_MS,
    );
    return [...new Set(this.#readings.map(({ texts }) => texts.join(' ')))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.allSettled(this.#readings.map(({ ended }) => ended));
  }
}
