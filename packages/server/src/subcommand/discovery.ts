import { type DiscoveredEndpoint, discoverEndpoints, type ResolveSrv } from '@kvorum/client';
import type { Logger } from '../logging/logger.ts';

/** What discovery reaches the world by. */
export interface DiscoveryParts {
  readonly resolveSrv: ResolveSrv;
  /** Rejects when no TLS connection to the URL can be made that a certificate of the domain secures. */
  readonly validate: (url: string) => Promise<void>;
  readonly logger: Logger;
}

/** What is looked for. */
export interface DiscoveryQuery {
  readonly domain: string;
  /** A suffix of the service's name, for several clusters in one domain; empty for none. */
  readonly serviceName: string;
  /** Takes what DNS names as it is: without TLS, and without trying it. */
  readonly isInsecure: boolean;
}

/**
 * The members that the SRV records of a domain name, under etcd's names for client ports. DNS can be forged, so those
 * that don't prove to belong to the domain are left out, unless `isInsecure`. Rejects when there are no records.
 */
export async function discoverMembers(
  { resolveSrv, validate, logger }: DiscoveryParts,
  { domain, serviceName, isInsecure }: DiscoveryQuery,
): Promise<readonly DiscoveredEndpoint[]> {
  const { endpoints } = await discoverEndpoints(resolveSrv, { domain, name: serviceName });
  const urls = endpoints.map(({ url }) => url);
  logger.info('discovered cluster from SRV', { 'srv-server': domain, endpoints: urls });
  if (isInsecure) return endpoints;
  const problems = await Promise.all(urls.map((url) => problemOf(url, validate)));
  return endpoints.filter(({ url }, index) => {
    const reason = problems[index];
    if (reason === undefined) return true;
    const message = 'a discovered endpoint is not used; --insecure-discovery would';
    logger.warn(message, { endpoint: url, reason });
    return false;
  });
}

/** Why a member is not to be trusted; undefined when it is. */
async function problemOf(
  url: string,
  validate: DiscoveryParts['validate'],
): Promise<string | undefined> {
  if (!url.startsWith('https:')) return 'it is without TLS';
  try {
    await validate(url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
