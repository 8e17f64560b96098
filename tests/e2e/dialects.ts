import type { Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import type { RawConnection } from '../framework/raw-http2.ts';

/** One way to talk to the server. */
export interface Dialect extends Disposable {
  readonly transport: Transport;
}

export type DialectName = keyof typeof dialects;

function overHttp2(url: string, make: (session: Http2SessionManager) => Transport): Dialect {
  const session = new Http2SessionManager(url);
  return { transport: make(session), [Symbol.dispose]: () => session.abort() };
}

function overHttp1(transport: Transport): Dialect {
  return { transport, [Symbol.dispose]: () => {} };
}

export const dialects = {
  'gRPC over HTTP/2': (baseUrl: string) =>
    overHttp2(baseUrl, (sessionManager) => createGrpcTransport({ baseUrl, sessionManager })),
  'Connect over HTTP/2': (baseUrl: string) =>
    overHttp2(baseUrl, (sessionManager) =>
      createConnectTransport({ baseUrl, httpVersion: '2', sessionManager }),
    ),
  'gRPC-Web over HTTP/2': (baseUrl: string) =>
    overHttp2(baseUrl, (sessionManager) =>
      createGrpcWebTransport({ baseUrl, httpVersion: '2', sessionManager }),
    ),
  'Connect over HTTP/1.1': (baseUrl: string) =>
    overHttp1(createConnectTransport({ baseUrl, httpVersion: '1.1' })),
  'Connect with JSON over HTTP/1.1': (baseUrl: string) =>
    overHttp1(createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false })),
  'gRPC-Web over HTTP/1.1': (baseUrl: string) =>
    overHttp1(createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })),
};

export const allDialects = Object.keys(dialects) as DialectName[];
export const duplexDialects = allDialects.filter((name) => name.endsWith('HTTP/2'));

/** A gRPC transport on a connection that raw requests share. */
export function transportOver(connection: RawConnection, url: string): Transport {
  const authority = url;
  return createGrpcTransport({
    baseUrl: url,
    sessionManager: {
      authority,
      request: async (method, path, headers) => {
        const plain = Object.entries(headers).map(([name, value]) => [name, String(value)]);
        return connection.open({ method, path, headers: Object.fromEntries(plain) });
      },
      notifyResponseByteRead: () => {},
    },
  });
}
