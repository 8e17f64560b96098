import { startServer } from '@kvorum/server';
import { eventually } from '../framework/eventually.ts';
import { MemoryLog } from './memory-log.ts';

/** A member in this process with TLS, and what it has logged. */
export interface SecureServer extends AsyncDisposable {
  /** The first address, as `https://127.0.0.1:PORT`. */
  readonly url: string;
  readonly urls: readonly string[];
  readonly log: MemoryLog;
  /** Resolves with the fields of the first line that tells why a connection was turned away. */
  rejection(): Promise<Readonly<Record<string, unknown>>>;
}

/** Starts it, at a free port of 127.0.0.1 unless `flags` have other URLs. */
export async function startSecureServer(
  flags: Readonly<Record<string, string>>,
): Promise<SecureServer> {
  const log = new MemoryLog();
  const url = 'https://127.0.0.1:0';
  const server = await startServer({
    engine: 'memory',
    logger: log,
    flags: { 'listen-client-urls': url, 'advertise-client-urls': url, ...flags },
  });
  return {
    url: server.clientUrls[0] ?? '',
    urls: server.clientUrls,
    log,
    rejection: () =>
      eventually('a line about a connection that was turned away', () => {
        return log.fieldsOf('rejected connection on client endpoint')[0];
      }),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
