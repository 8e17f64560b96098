import { ClientError, discoverEndpoints as lookUp } from '@kvorum/client';
import { ExitError, exitCodes } from '../exit-error.ts';
import type { Host } from '../host.ts';

/** What the flags say about looking endpoints up. */
export interface Discovery {
  /** Domain of --discovery-srv. */
  readonly domain: string;
  /** --discovery-srv-name, a suffix of the service's name; empty for none. */
  readonly name: string;
  /** Whether endpoints without TLS are taken. */
  readonly mayBeInsecure: boolean;
}

/**
 * Endpoints from the SRV records of a domain, those with TLS first. Rejects with `ExitError` when there are none, since
 * --endpoints may name another cluster.
 */
export async function discoverEndpoints(
  host: Pick<Host, 'resolveSrv' | 'stderr'>,
  { domain, name, mayBeInsecure }: Discovery,
): Promise<readonly string[]> {
  const { secure, insecure } = await find(host, domain, name);
  if (!mayBeInsecure) {
    for (const url of insecure) {
      host.stderr.write(`ignoring discovered insecure endpoint "${url}"\n`);
    }
  }
  const found = mayBeInsecure ? [...secure, ...insecure] : secure;
  if (found.length > 0) return found;
  throw failed(
    `no endpoint with TLS is in the DNS records of ${domain}; --insecure-discovery takes those without`,
  );
}

async function find(host: Pick<Host, 'resolveSrv'>, domain: string, name: string) {
  try {
    return await lookUp((service) => host.resolveSrv(service), { domain, name });
  } catch (error) {
    throw error instanceof ClientError ? failed(error.message) : error;
  }
}

function failed(text: string): ExitError {
  return new ExitError(exitCodes.error, text);
}
