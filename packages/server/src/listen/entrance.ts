import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { EndpointUrl } from '../config/endpoint-url.ts';
import { isSecure } from '../config/secure-urls.ts';
import type { Logger } from '../logging/logger.ts';
import type { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { TlsListening } from '../tls/tls-listening.ts';
import { Listener } from './listener.ts';
import { misdirected, sendAway } from './misdirected.ts';
import { RejectionLog, type Side } from './rejection-log.ts';
import { remoteAddressOf } from './remote-address.ts';
import { type Protocol, sniff } from './sniff.ts';

export interface EntranceOptions {
  readonly urls: readonly EndpointUrl[];
  readonly reusePort: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whom the addresses are for; named in the log. */
  readonly side: Side;
  /** Serves URLs over TLS; there must be none without it. */
  readonly tls: TlsListening | undefined;
  /** Whether a client's certificate must be for the address it calls from. Default: it needn't. */
  readonly checksAddress?: boolean;
  /** What is spoken here, the best first; other connections are closed. */
  readonly protocols: readonly Protocol[];
  /** A client that says nothing for so long is let go, in ms. */
  readonly firstBytesTimeoutMs: number;
  /** Takes a connection whose protocol is known; `firstBytes` have been read from it, maybe none. */
  readonly onConnection: (protocol: Protocol, socket: Socket, firstBytes: Buffer) => void;
}

/** What is spoken at one address: both when it is given by an http and an https URL. */
interface Speech {
  readonly isSecure: boolean;
  readonly isPlain: boolean;
}

const alpnNames: Readonly<Record<Protocol, string>> = { http2: 'h2', http1: 'http/1.1' };
const noBytes = Buffer.alloc(0);

/**
 * The addresses that one kind of caller comes to, in the clear and over TLS. The first bytes of a connection tell what
 * it speaks; who speaks the wrong thing is told so.
 */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #rejections: RejectionLog;
  readonly #acceptor: TlsAcceptor | undefined;
  readonly #listeners: Listener[] = [];

  private constructor(options: EntranceOptions) {
    const { side, clock, logger, tls, urls, protocols } = options;
    this.#options = options;
    this.#rejections = new RejectionLog(side, clock, logger);
    const acceptor = {
      protocols: protocols.map((protocol) => alpnNames[protocol]),
      rejections: this.#rejections,
      checksAddress: options.checksAddress ?? false,
    };
    this.#acceptor = urls.some(isSecure) ? tls?.acceptor(acceptor) : undefined;
  }

  /** Binds every URL, or none: rejects when one can't be bound, and with what is wrong with a certificate's file. */
  static async open(options: EntranceOptions): Promise<Entrance> {
    const entrance = new Entrance(options);
    try {
      for (const [url, speech] of speechesOf(options.urls)) await entrance.#listen(url, speech);
    } catch (error) {
      await entrance.close();
      throw error;
    }
    return entrance;
  }

  /** The addresses as bound, in the order of `urls`; one that is given twice comes once. */
  get urls(): string[] {
    return this.#listeners.map((listener) => listener.url);
  }

  /** Connections that are open, in whatever state. */
  get connectionCount(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.connectionCount, 0);
  }

  /** Lets nobody in any more; connections that are open go on. */
  stopAccepting(): void {
    for (const listener of this.#listeners) listener.stopAccepting();
  }

  /** Ends every connection. Resolves when the addresses are free again. */
  async close(): Promise<void> {
    this.#acceptor?.close();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #listen(url: EndpointUrl, speech: Speech): Promise<void> {
    const { reusePort } = this.#options;
    const onConnection = (socket: Socket) => this.#accept(socket, speech);
    this.#listeners.push(await Listener.open({ url, reusePort, onConnection }));
  }

  #accept(socket: Socket, speech: Speech): void {
    const { clock, firstBytesTimeoutMs, protocols, onConnection } = this.#options;
    sniff(socket, firstBytesTimeoutMs, clock.after, (said, firstBytes) => {
      const isTls = said === 'tls';
      if (isTls ? !speech.isSecure : !speech.isPlain) {
        this.#rejections.rejected(remoteAddressOf(socket), { ...misdirected(said) });
        sendAway(socket, said, clock);
        return;
      }
      if (isTls) {
        const onSecure = (secured: TLSSocket) => this.#secured(secured);
        this.#acceptor?.accept(socket, firstBytes, onSecure);
        return;
      }
      if (protocols.includes(said)) onConnection(said, socket, firstBytes);
      else socket.destroy();
    });
  }

  #secured(secured: TLSSocket): void {
    const { clock, firstBytesTimeoutMs, protocols, onConnection } = this.#options;
    const agreed = protocols.find((protocol) => alpnNames[protocol] === secured.alpnProtocol);
    if (agreed !== undefined) {
      onConnection(agreed, secured, noBytes);
      return;
    }
    // A client without ALPN: what it speaks shows when it does.
    sniff(secured, firstBytesTimeoutMs, clock.after, (said, firstBytes) => {
      if (said !== 'tls' && protocols.includes(said)) onConnection(said, secured, firstBytes);
      else secured.destroy();
    });
  }
}

/** What is spoken at each address. */
function speechesOf(urls: readonly EndpointUrl[]): Map<EndpointUrl, Speech> {
  const speeches = new Map<EndpointUrl, Speech>();
  for (const url of urls) {
    const known = [...speeches.keys()].find((other) => isSameAddress(other, url));
    const before = known === undefined ? undefined : speeches.get(known);
    speeches.set(known ?? url, {
      isSecure: before?.isSecure === true || isSecure(url),
      isPlain: before?.isPlain === true || !isSecure(url),
    });
  }
  return speeches;
}

function isSameAddress(a: EndpointUrl, b: EndpointUrl): boolean {
  if (a.path !== '' || b.path !== '') return a.path === b.path;
  // Each port of the system's choice is another one.
  return a.host === b.host && a.port === b.port && a.port !== 0;
}
