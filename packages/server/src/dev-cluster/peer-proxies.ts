import { connect, createServer, type Server, type Socket } from 'node:net';
import { HOST, type Place } from './layout.ts';

/** One connection of a member to another. */
interface Passage {
  readonly from: string | undefined;
  readonly to: string;
  readonly sockets: readonly [Socket, Socket];
}

/**
 * What members reach each other through: one TCP proxy before each. Isolating a member cuts its connections with the
 * others, both ways, and lets none through until it is healed. Clients are not affected.
 */
export class PeerProxies {
  readonly #places: readonly Place[];
  readonly #servers: Server[] = [];
  readonly #passages = new Set<Passage>();
  readonly #isolated = new Set<string>();

  private constructor(places: readonly Place[]) {
    this.#places = places;
  }

  /** Rejects with the system's error when a port can't be had. */
  static async open(places: readonly Place[]): Promise<PeerProxies> {
    const proxies = new PeerProxies(places);
    try {
      for (const place of places) await proxies.#listen(place);
      return proxies;
    } catch (error) {
      await proxies.close();
      throw error;
    }
  }

  isIsolated(name: string): boolean {
    return this.#isolated.has(name);
  }

  isolate(name: string): void {
    this.#isolated.add(name);
    for (const passage of this.#passages) {
      if (!this.#isOpen(passage)) this.#cut(passage);
    }
  }

  heal(name: string): void {
    this.#isolated.delete(name);
  }

  async close(): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const passage of this.#passages) this.#cut(passage);
    await Promise.all(closed);
  }

  #isOpen({ from, to }: Pick<Passage, 'from' | 'to'>): boolean {
    return !this.#isolated.has(to) && (from === undefined || !this.#isolated.has(from));
  }

  #cut(passage: Passage): void {
    this.#passages.delete(passage);
    for (const socket of passage.sockets) socket.destroy();
  }

  async #listen(place: Place): Promise<void> {
    const server = createServer((incoming) => this.#pass(incoming, place));
    await listen(server, place.proxyPort, HOST);
    this.#servers.push(server);
  }

  #pass(incoming: Socket, place: Place): void {
    const to = place.name;
    const address = incoming.remoteAddress;
    const from = this.#places.find(({ localAddress }) => localAddress === address)?.name;
    if (!this.#isOpen({ from, to })) {
      incoming.on('error', () => {});
      incoming.destroy();
      return;
    }
    const outgoing = connect(place.peerPort, HOST);
    const passage: Passage = { from, to, sockets: [incoming, outgoing] };
    this.#passages.add(passage);
    for (const socket of passage.sockets) {
      socket.setNoDelay(true);
      // The end of one half is the end of both, so an error says nothing new.
      socket.on('error', () => {});
      socket.on('close', () => this.#cut(passage));
    }
    incoming.pipe(outgoing);
    outgoing.pipe(incoming);
  }
}

/** Resolves when a port that is needed later can be had; rejects with the system's error when not. */
export async function probe(port: number, host: string): Promise<void> {
  const server = createServer();
  await listen(server, port, host);
  await new Promise((resolve) => server.close(resolve));
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
