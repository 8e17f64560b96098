import type { WatchResponse } from '@kvorum/api';
import type { KeyRange, WatchMessage, WatchRecord } from '@kvorum/server/testing';
import { wire } from '@kvorum/server/testing';
import type { TestClient } from '../framework/client.ts';
import type { Prng } from '../framework/prng.ts';
import { WatchStream } from '../framework/watch-stream.ts';
import { anyClient, type ClientWorld } from './cluster-client.ts';

type OpenRecord = { -readonly [Key in keyof WatchRecord]: WatchRecord[Key] } & {
  readonly messages: WatchMessage[];
};

const RETRY_MS = 50;

/** A watch that goes on at another member whenever it loses the one it has, from where it was. */
export class ClusterWatch {
  readonly #id: number;
  readonly #world: ClientWorld;
  readonly #random: Prng;
  readonly #range: KeyRange;
  /** First revision that it has not been told of. */
  next = 1;
  #isStopped = false;
  #stream: WatchStream | undefined;

  constructor(id: number, world: ClientWorld, range: KeyRange, random: Prng) {
    this.#id = id;
    this.#world = world;
    this.#range = range;
    this.#random = random;
  }

  /** Watches until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#watch(anyClient(this.#world, this.#random));
      await this.#world.pause(RETRY_MS);
    }
  }

  /** Goes on at another member. */
  async leave(): Promise<void> {
    await this.#stream?.close();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.leave();
  }

  async #watch(client: TestClient): Promise<void> {
    const record: OpenRecord = {
      client: this.#id,
      range: this.#range,
      startRevision: this.next,
      createdRevision: undefined,
      messages: [],
      compactedAt: undefined,
    };
    this.#world.history.watches.push(record);
    const stream = new WatchStream(client, (response) => {
      if (this.#take(record, response)) void stream.close();
    });
    this.#stream = stream;
    stream.send({
      case: 'createRequest',
      value: {
        key: Buffer.from(this.#range.key),
        rangeEnd: Buffer.from(this.#range.rangeEnd),
        startRevision: BigInt(this.next),
      },
    });
    await stream.ended;
  }

  /** True when the watch is over. */
  #take(record: OpenRecord, response: WatchResponse): boolean {
    if (response.created) {
      record.createdRevision = wire.revisionOf(response);
      return false;
    }
    if (response.canceled) {
      record.compactedAt = Number(response.compactRevision);
      this.next = Math.max(this.next, record.compactedAt);
      return true;
    }
    const message = wire.watchMessage(response, false);
    record.messages.push(message);
    const last = message.events.at(-1)?.revision ?? message.revision;
    // The first one watches everything: it tells all there is of each revision.
    if (this.#id === 0) this.#world.history.log.push(...message.events);
    this.next = Math.max(this.next, last + 1);
    return false;
  }
}
