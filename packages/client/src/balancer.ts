import type { Channel, ChannelFactory } from './channel.ts';
import { parseEndpoint } from './endpoint.ts';
import { ClientError } from './errors.ts';

/**
 * The channels of all endpoints, and who is asked next: everybody in turn, those that could not be reached last.
 * Channels are made when their turn comes.
 */
export class Balancer {
  readonly #factory: ChannelFactory;
  #channels: readonly Channel[] = [];
  #turn = 0;

  /** Throws `ClientError` "configuration" when there is no endpoint, or one is malformed. */
  constructor(endpoints: readonly string[], factory: ChannelFactory) {
    this.#factory = factory;
    this.#channels = this.#open(endpoints);
  }

  /** As the user wrote them. */
  get endpoints(): readonly string[] {
    return this.#channels.map((channel) => channel.endpoint.text);
  }

  /** Channels in the order to try them for one call. */
  next(): readonly Channel[] {
    const count = this.#channels.length;
    const start = this.#turn % count;
    this.#turn = start + 1;
    const inTurn = [...this.#channels.slice(start), ...this.#channels.slice(0, start)];
    const isFailing = (channel: Channel) => channel.state === 'failing';
    return [...inTurn.filter((one) => !isFailing(one)), ...inTurn.filter(isFailing)];
  }

  /** Goes on with other endpoints; calls on those that are gone end as cancelled. */
  replace(endpoints: readonly string[]): void {
    const old = this.#channels;
    this.#channels = this.#open(endpoints);
    for (const channel of old) if (!this.#channels.includes(channel)) channel.close();
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  #open(texts: readonly string[]): readonly Channel[] {
    if (texts.length === 0) {
      throw new ClientError({ code: 'configuration', message: 'no endpoints were given' });
    }
    return texts.map((text) => {
      const kept = this.#channels.find((channel) => channel.endpoint.text === text);
      return kept ?? this.#factory(parseEndpoint(text));
    });
  }
}
