import type { Duplex } from 'node:stream';
import { memoryDuplexPair } from '@kvorum/h2/testing';
import type { EndpointUrl } from '../config/endpoint-url.ts';

/** Byte streams between members that never leave the process. */
export class MemoryNetwork {
  /** Connections that were asked for where nobody listened. */
  refusedCount = 0;
  readonly #listeners = new Map<string, (stream: Duplex) => void>();
  readonly #open: { readonly from: string; readonly to: string; readonly end: Duplex }[] = [];

  /** Who answers under that URL. */
  listen(url: string, accept: (stream: Duplex) => void): void {
    this.#listeners.set(url, accept);
  }

  /** Nobody answers there any more, and what is open there breaks off. */
  close(url: string): void {
    this.#listeners.delete(url);
    this.breakOff(url);
  }

  /** Ends every connection to that URL. */
  breakOff(url: string): void {
    for (const { to, end } of this.#open) if (to === url) end.destroy();
  }

  /** The way out of the member that has the URL `from`. */
  dialer(from: string): (url: EndpointUrl) => Promise<Duplex> {
    return async ({ href }) => {
      const accept = this.#listeners.get(href);
      if (accept === undefined) {
        this.refusedCount += 1;
        const error: NodeJS.ErrnoException = new Error(`nobody listens on ${href}`);
        error.code = 'ECONNREFUSED';
        throw error;
      }
      const [near, far] = memoryDuplexPair();
      // A broken connection is what these tests are about.
      for (const end of [near, far]) end.on('error', () => {});
      this.#open.push({ from, to: href, end: near });
      accept(far);
      return near;
    };
  }
}
