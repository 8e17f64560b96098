import type { Duplex } from 'node:stream';
import { type EndpointUrl, parseEndpointUrl } from '../config/endpoint-url.ts';

/** Opens a byte stream to a member's peer port; rejects when that takes too long or is refused. */
export type DialPeer = (url: EndpointUrl) => Promise<Duplex>;

/** Where a member is to be found: one of its URLs, and after a failure the next. */
export class PeerAddress {
  #urls: readonly EndpointUrl[] = [];
  #texts: readonly string[] = [];
  #next = 0;

  /** Returns whether that is news. Texts that are no URLs are passed over. */
  set(texts: readonly string[]): boolean {
    if (texts.length === this.#texts.length && texts.every((text, i) => text === this.#texts[i])) {
      return false;
    }
    this.#texts = texts;
    this.#urls = texts.flatMap(parsed);
    this.#next = 0;
    return true;
  }

  /** Rejects when no URL is known, or with what `dial` rejected with; the next call then takes the next URL. */
  async dial(dial: DialPeer): Promise<Duplex> {
    const url = this.#urls[this.#next % this.#urls.length];
    if (url === undefined) throw new Error('no peer URL is known');
    try {
      return await dial(url);
    } catch (error) {
      this.#next += 1;
      throw error;
    }
  }
}

function parsed(text: string): EndpointUrl[] {
  try {
    return [parseEndpointUrl(text)];
  } catch {
    return [];
  }
}
