import type { Metadata } from '@kvorum/h2';
import type { GatewayExchange } from './exchange.ts';

/** Headers that the gateway passes on under their name behind this. */
const OWN_PREFIX = 'grpcgateway-';
/** Headers that are metadata of the call, under the name that follows. */
const METADATA_PREFIX = 'grpc-metadata-';
const AUTHORIZATION = 'authorization';

/**
 * The metadata of a call through the gateway: `Authorization`, whatever comes as `Grpc-Metadata-…`, and other headers
 * as `grpcgateway-…`, by which such a call can be told from others.
 */
export class RequestMetadata implements Metadata {
  readonly #headers: GatewayExchange['headers'];

  constructor(headers: GatewayExchange['headers']) {
    this.#headers = headers;
  }

  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): readonly string[] {
    const headers = this.#headers;
    if (name.startsWith(OWN_PREFIX)) return headers.getAll(name.slice(OWN_PREFIX.length));
    const given = headers.getAll(METADATA_PREFIX + name);
    return name === AUTHORIZATION ? [...headers.getAll(name), ...given] : given;
  }

  getBinary(name: string): Uint8Array | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : Buffer.from(value, 'base64');
  }

  *entries(): Iterable<[string, string]> {
    for (const [name, value] of this.#headers.entries()) {
      if (name.startsWith(METADATA_PREFIX)) yield [name.slice(METADATA_PREFIX.length), value];
      else yield [OWN_PREFIX + name, value];
      if (name === AUTHORIZATION) yield [name, value];
    }
  }
}
