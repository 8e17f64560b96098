import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { parseEndpoint, type TlsOptions } from '@kvorum/client';
import type { HttpReply } from '../http/http-message.ts';

/** Fetches a page of the member at an endpoint, under the certificates that calls go under. */
export function pageFetcher(
  tls: TlsOptions | undefined,
  timeoutMs: number,
): (endpoint: string, path: string) => Promise<HttpReply> {
  return async (endpoint, path) => {
    const { address, security } = parseEndpoint(endpoint);
    const place =
      address.kind === 'tcp'
        ? { host: address.host, port: address.port }
        : { socketPath: address.path };
    const isTls = security === 'tls' || (security === 'by-options' && tls !== undefined);
    const options = { ...place, path, timeout: timeoutMs, agent: false };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = isTls
        ? getHttps({ ...options, ...secured(tls) }, resolve)
        : getHttp(options, resolve);
      request.once('error', reject);
      request.once('timeout', () => {
        request.destroy(new Error(`no answer within ${timeoutMs} ms`));
      });
    });
    const type = response.headers['content-type'] ?? 'text/plain; charset=utf-8';
    const headers = [['Content-Type', type]] as const;
    return { status: response.statusCode ?? 502, headers, body: await text(response) };
  };
}

function secured({ ca, cert, key, serverName, insecureSkipVerify }: TlsOptions = {}) {
  return {
    rejectUnauthorized: insecureSkipVerify !== true,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
  };
}
