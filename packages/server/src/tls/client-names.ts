import type { Duplex } from 'node:stream';

/** Common names of the certificates that clients have shown, by their connections. */
export class ClientNames {
  readonly #names = new WeakMap<Duplex, string>();

  /** Notes whose certificate a connection has shown. */
  set(connection: Duplex, name: string): void {
    this.#names.set(connection, name);
  }

  /** '' for a certificate without one; undefined without a certificate. */
  of(connection: Duplex): string | undefined {
    return this.#names.get(connection);
  }
}
