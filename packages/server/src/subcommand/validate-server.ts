import { connect } from 'node:tls';
import { parseEndpoint } from '@kvorum/client';
import type { Clock } from '../clock.ts';

/** How a member that DNS names has to prove that it belongs to the domain. */
export interface ValidationOptions {
  /** The name that its certificate must bear. */
  readonly domain: string;
  /** PEM of whom to trust; undefined: the authorities that Node knows. */
  readonly ca: Buffer | undefined;
  readonly timeoutMs: number;
  readonly after: Clock['after'];
}

/** Rejects when no TLS connection to a URL can be made under the domain's name. */
export function validateServer(
  url: string,
  { domain, ca, timeoutMs, after }: ValidationOptions,
): Promise<void> {
  const { address } = parseEndpoint(url);
  return new Promise((resolve, reject) => {
    const trust = ca === undefined ? {} : { ca };
    const socket = connect({ ...address, servername: domain, ...trust });
    const stopTimer = after(timeoutMs, () => ended(new Error(`no TLS within ${timeoutMs} ms`)));
    const ended = (error?: Error) => {
      stopTimer();
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once('error', ended);
    socket.once('secureConnect', () => ended());
  });
}
