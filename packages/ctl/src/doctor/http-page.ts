import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { parseEndpoint, type TlsOptions } from '@kvorum/client';

/** What a member answered over HTTP. */
export interface HttpPage {
  readonly status: number;
  readonly text: string;
  /** Its clock in ms since 1970, to the second; undefined when it did not say. */
  readonly dateMs: number | undefined;
}

/** A page of a member's, at the address where clients reach it. Rejects when there is none within the time. */
export function httpPage(
  endpoint: string,
  path: string,
  tls: TlsOptions | undefined,
  timeoutMs: number,
): Promise<HttpPage> {
  const { address, security } = parseEndpoint(endpoint);
  const isTls = security === 'tls' || (security === 'by-options' && tls !== undefined);
  const target =
    address.kind === 'tcp'
      ? { host: address.host, port: address.port }
      : { socketPath: address.path };
  const options = {
    ...target,
    path,
    signal: AbortSignal.timeout(timeoutMs),
    agent: false as const,
  };
  const request = isTls
    ? requestHttps({
        ...options,
        ca: tls?.ca as string | undefined,
        cert: tls?.cert as string | undefined,
        key: tls?.key as string | undefined,
        rejectUnauthorized: tls?.insecureSkipVerify !== true,
      })
    : requestHttp(options);
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () => {
        const date = Date.parse(response.headers.date ?? '');
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(pieces).toString(),
          dateMs: Number.isNaN(date) ? undefined : date,
        });
      });
    });
    request.end();
  });
}
