import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ConnectFailure } from '../channel.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { TlsOptions } from './tls-options.ts';

/** Opens the byte stream to an endpoint. Rejects with `ConnectFailure`. */
export function dial(
  endpoint: Endpoint,
  tls: TlsOptions | undefined,
  timeoutMs: number,
): Promise<Socket> {
  const useTls = endpoint.security === 'tls' || (endpoint.security === 'by-options' && !!tls);
  return new Promise((resolve, reject) => {
    const { address } = endpoint;
    const target =
      address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path };
    let isConnected = false;
    const socket = useTls
      ? connectTls({ ...target, ...tlsFor(endpoint, tls ?? {}) })
      : connect(target);
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(failureOf(error, useTls && isConnected, endpoint));
    };
    const timer = setTimeout(() => {
      const what = isConnected ? 'no TLS handshake' : 'no connection';
      socket.destroy();
      reject(new ConnectFailure(isConnected ? 'tls' : 'connect', `${what} within ${timeoutMs} ms`));
    }, timeoutMs);
    const opened = () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      isConnected = true;
      if (!useTls) opened();
    });
    if (useTls) socket.once('secureConnect', opened);
  });
}

function tlsFor({ address }: Endpoint, tls: TlsOptions) {
  const host = address.kind === 'tcp' ? address.host : 'localhost';
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    ALPNProtocols: ['h2'],
    rejectUnauthorized: tls.insecureSkipVerify !== true,
    ...(servername === undefined ? {} : { servername }),
    ...(tls.ca === undefined ? {} : { ca: asBuffer(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: asBuffer(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: asBuffer(tls.key) }),
  };
}

function asBuffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem);
}

function failureOf(error: Error, isTls: boolean, endpoint: Endpoint): ConnectFailure {
  const { code = '' } = error as NodeJS.ErrnoException;
  // A name with several addresses fails with one error for each.
  const parts = error instanceof AggregateError ? error.errors.map(String) : [];
  const text =
    parts.length > 0 ? parts.map((part) => part.replace(/^Error: /, '')).join('; ') : error.message;
  if (/^(ENOTFOUND|EAI_)/.test(code)) return new ConnectFailure('dns', text, error);
  if (isTls && /^(ECONNRESET|EPIPE)$/.test(code)) {
    const message = `${endpoint.text} ended the TLS handshake; does it speak TLS, and want a client certificate?`;
    return new ConnectFailure('tls', message, error);
  }
  return new ConnectFailure(isTls ? 'tls' : 'connect', isTls ? tlsText(error) : text, error);
}

/** What went wrong with TLS, without what OpenSSL tells its developers and Node those who start it. */
export function tlsText(error: Error): string {
  const { reason } = error as Error & { readonly reason?: unknown };
  if (reason === 'wrong version number') return 'the server does not speak TLS there';
  if (typeof reason === 'string') return reason;
  return error.message.replace(/; if the root CA is installed locally.*/s, '');
}
