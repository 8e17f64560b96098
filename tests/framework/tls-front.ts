import { connect, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';

/** Speaks TLS in place of a server that does not, with HTTP/2 or HTTP/1.1 inside, as a proxy in front of it. */
export class TlsFront implements Disposable {
  readonly url: string;
  readonly #dispose: () => void;

  /** Resolves when it listens, at a free port of 127.0.0.1. `target` is `host:port`. */
  static async start(certificate: Certificate, target: string): Promise<TlsFront> {
    const [host = '', port] = target.split(':');
    const open = new Set<Socket | TLSSocket>();
    const { cert, key } = certificate;
    const ALPNProtocols = ['h2', 'http/1.1'];
    const server = createServer({ cert, key, ALPNProtocols }, (outside) => {
      const inside = connect(Number(port), host);
      for (const [one, other] of [
        [outside, inside],
        [inside, outside],
      ] as const) {
        open.add(one);
        one.on('error', () => other.destroy());
        one.once('close', () => {
          open.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address() as { readonly port: number };
    return new TlsFront(`https://127.0.0.1:${address.port}`, () => {
      server.close();
      for (const socket of open) socket.destroy();
    });
  }

  private constructor(url: string, dispose: () => void) {
    this.url = url;
    this.#dispose = dispose;
  }

  [Symbol.dispose](): void {
    this.#dispose();
  }
}
