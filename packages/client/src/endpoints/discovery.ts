import { ClientError, type EndpointFailure } from '../errors.ts';
import { lookUpSrv, type ResolveSrv, urlOfSrv } from './srv.ts';

/** What to look for. */
export interface Discovery {
  readonly domain: string;
  /** A suffix of the service's name, for several clusters in one domain; empty for none. */
  readonly name: string;
}

/** A member's client URL with what DNS says about its use. */
export interface DiscoveredEndpoint {
  readonly url: string;
  /** Those with the smallest number come first. */
  readonly priority: number;
  /** The share of the work among those of one priority. */
  readonly weight: number;
}

/** Members, those that DNS prefers first: those with TLS and those without. */
export interface DiscoveredEndpoints {
  readonly secure: readonly string[];
  readonly insecure: readonly string[];
  /** All of them, those with TLS first. */
  readonly endpoints: readonly DiscoveredEndpoint[];
}

/** Finds the members that a domain names. Rejects with `ClientError`. */
export type Discover = (discovery: Discovery) => Promise<DiscoveredEndpoints>;

interface Found {
  readonly endpoints: readonly DiscoveredEndpoint[];
  readonly failure: EndpointFailure | undefined;
}

/** Reads `dns+srv://domain` or `dns+srv://domain?name=suffix`; undefined when it is something else. */
export function parseDiscovery(text: string): Discovery | undefined {
  const match = /^dns\+srv:\/\/([^/?#]+)\/?(?:\?name=([\w.-]+))?$/i.exec(text.trim());
  return match === null ? undefined : { domain: match[1] ?? '', name: match[2] ?? '' };
}

/**
 * Endpoints from the SRV records of a domain, under etcd's names: `_etcd-client-ssl._tcp` for https,
 * `_etcd-client._tcp` for http. Rejects with `ClientError` "unreachable" when there are none.
 */
export async function discoverEndpoints(
  resolveSrv: ResolveSrv,
  { domain, name }: Discovery,
): Promise<DiscoveredEndpoints> {
  const suffix = name === '' ? '' : `-${name}`;
  const [secure, insecure] = await Promise.all([
    look(resolveSrv, `_etcd-client-ssl${suffix}._tcp.${domain}`, 'https'),
    look(resolveSrv, `_etcd-client${suffix}._tcp.${domain}`, 'http'),
  ]);
  if (secure.failure !== undefined && insecure.failure !== undefined) {
    const failures = [secure.failure, insecure.failure];
    const message = `dns lookup errors: ${failures.map((failure) => failure.message).join(' and ')}`;
    throw new ClientError({ code: 'unreachable', message, failures, retryable: true });
  }
  return {
    secure: secure.endpoints.map(({ url }) => url),
    insecure: insecure.endpoints.map(({ url }) => url),
    endpoints: [...secure.endpoints, ...insecure.endpoints],
  };
}

async function look(
  resolveSrv: ResolveSrv,
  service: string,
  scheme: 'http' | 'https',
): Promise<Found> {
  const lookup = await lookUpSrv(resolveSrv, service);
  if (lookup.records === undefined) {
    const { message } = lookup;
    return { endpoints: [], failure: { endpoint: service, reason: 'dns', message } };
  }
  const endpoints = lookup.records.map((record): DiscoveredEndpoint => {
    const { priority = 0, weight = 0 } = record;
    return { url: urlOfSrv(scheme, record), priority, weight };
  });
  return { endpoints, failure: undefined };
}
