import type { UniversalClientFn } from '@connectrpc/connect/protocol';
import type { GrpcClient } from '../grpc/client.ts';
import type { ClientResponse } from '../grpc/client-types.ts';
import { errorOfRequest } from './connect-status.ts';
import { toHeaders } from './headers.ts';

/**
 * Connect's idea of an HTTP client, over a `GrpcClient`: with it Connect's own transports run on this package.
 * The host of a request's URL does not matter, since a client has one server. Rejects with `ConnectError`.
 */
export function h2HttpClient(client: GrpcClient, waitForReady: boolean = false): UniversalClientFn {
  return async ({ url, method, header, body, signal }) => {
    const { pathname, search } = new URL(url);
    const response = await client
      .exchange({
        method,
        path: pathname + search,
        headers: header,
        waitForReady,
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        throw errorOfRequest(error);
      });
    const trailer = new Headers();
    return {
      status: response.status,
      header: toHeaders(response.headers.entries()),
      body: bodyOf(response, trailer),
      trailer,
    };
  };
}

/** The body; after it the trailers are known. */
async function* bodyOf(response: ClientResponse, trailer: Headers): AsyncGenerator<Uint8Array> {
  try {
    yield* response.body;
  } catch (error) {
    throw errorOfRequest(error);
  }
  toHeaders(response.trailers.entries(), trailer);
}
