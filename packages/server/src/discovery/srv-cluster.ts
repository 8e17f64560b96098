import { lookUpSrv, type SrvRecord, urlOfSrv } from '@kvorum/client';
import type { SrvDiscovery } from '../config/discovery-setting.ts';
import { type EndpointUrl, parseEndpointUrl } from '../config/endpoint-url.ts';
import {
  initialClusterOf,
  parseInitialCluster,
  refuseDuplicates,
} from '../config/initial-cluster.ts';
import type { InitialMember, ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../logging/logger.ts';
import { DiscoveryError } from './discovery-error.ts';
import type { Dns } from './dns.ts';

/** This member, as far as the records of a domain are concerned. */
type Self = Pick<ServerConfig, 'name' | 'initialAdvertisePeerUrls'>;

/** An own URL, and where it leads: `address:port`. */
interface OwnPlace {
  readonly url: EndpointUrl;
  readonly places: readonly string[];
}

/** What the records of one service say: entries of --initial-cluster, or why there are none. */
interface Found {
  readonly entries: readonly string[];
  /** Own URLs that are among them. */
  readonly own: readonly EndpointUrl[];
  readonly error: string | undefined;
}

/**
 * The founding members from the SRV records of a domain, under etcd's names: `_etcd-server-ssl._tcp` for https,
 * `_etcd-server._tcp` for http; both together. This member is the one whose advertised peer URL leads to the same
 * address; the others are called 0, 1, …. Rejects with `DiscoveryError`, in etcd's words.
 */
export async function srvCluster(
  { domain, serviceName }: SrvDiscovery,
  self: Self,
  dns: Dns,
  logger: Logger,
): Promise<readonly InitialMember[]> {
  const suffix = serviceName === '' ? '' : `-${serviceName}`;
  const found: string[] = [];
  const own: EndpointUrl[] = [];
  const errors: string[] = [];
  const services = [
    { scheme: 'https', kind: 'etcd-server-ssl' },
    { scheme: 'http', kind: 'etcd-server' },
  ] as const;
  for (const { scheme, kind } of services) {
    const service = kind + suffix;
    const part = await membersOf(scheme, service, domain, self, dns, logger);
    found.push(...part.entries);
    own.push(...part.own);
    if (part.error !== undefined) errors.push(part.error);
    logger.info(`get cluster for ${kind} SRV`, {
      'service-scheme': scheme,
      'service-name': service,
      'server-name': self.name,
      'discovery-srv': domain,
      'advertise-peer-urls': self.initialAdvertisePeerUrls.map(({ href }) => href),
      'found-cluster': [...found],
      ...(part.error === undefined ? {} : { error: part.error }),
    });
  }
  return checked(found, own, errors, self, domain, logger);
}

function checked(
  found: readonly string[],
  own: readonly EndpointUrl[],
  errors: readonly string[],
  self: Self,
  domain: string,
  logger: Logger,
): readonly InitialMember[] {
  const context = 'error setting up initial cluster: ';
  if (errors.length > 0) {
    logger.warn('failed to resolve during SRV discovery', { error: errors.join('\n') });
  }
  if (found.length === 0) {
    throw new DiscoveryError('dns', context + [...new Set(errors)].join('; '), [
      `the domain ${domain} needs SRV records for _etcd-server._tcp or _etcd-server-ssl._tcp, ` +
        `and the hosts of --initial-advertise-peer-urls=${hrefs(self.initialAdvertisePeerUrls)} need addresses`,
    ]);
  }
  for (const node of found) logger.info('got bootstrap from DNS for etcd-server', { node });
  const members = parseInitialCluster(found.join(','), context);
  refuseDuplicates(members);
  const advertised = self.initialAdvertisePeerUrls;
  if (!members.some(({ name }) => name === self.name)) {
    throw new DiscoveryError(
      'dns',
      `${context}cannot find local etcd member ${JSON.stringify(self.name)} in SRV records`,
      [
        `no record leads to where --initial-advertise-peer-urls=${hrefs(advertised)} does; the records are ${found.join(', ')}`,
      ],
    );
  }
  const missing = advertised.filter((url) => !own.includes(url));
  if (missing.length > 0) {
    const listed = members.find(({ name }) => name === self.name)?.peerUrls ?? [];
    throw new DiscoveryError(
      'dns',
      `--initial-advertise-peer-urls has ${hrefs(missing)} but missing from ` +
        `--initial-cluster=${initialClusterOf(self.name, listed)}`,
      ['every advertised peer URL of a member needs an SRV record'],
    );
  }
  return members;
}

async function membersOf(
  scheme: 'http' | 'https',
  service: string,
  domain: string,
  self: Self,
  dns: Dns,
  logger: Logger,
): Promise<Found> {
  const context = `error querying DNS SRV records for _${service} `;
  const own = await ownPlaces(self, dns).catch((error: Error) => error.message);
  if (typeof own === 'string') return { entries: [], own: [], error: own };
  const lookup = await lookUpSrv(dns.resolveSrv, `_${service}._tcp.${domain}`);
  if (lookup.records === undefined) {
    return { entries: [], own: [], error: context + lookup.message };
  }
  const entries: string[] = [];
  const matched: EndpointUrl[] = [];
  let lastError: string | undefined;
  let nextName = 0;
  for (const record of inOrder(lookup.records)) {
    const url = urlOfSrv(scheme, record);
    let places: readonly string[];
    try {
      places = await placesOf(parseEndpointUrl(url), dns);
    } catch (error) {
      lastError = (error as Error).message;
      logger.warn('left an SRV record out', { url, error: lastError });
      continue;
    }
    const match = own.find((place) => place.places.some((one) => places.includes(one)));
    if (match !== undefined && match.url.scheme !== scheme) {
      lastError =
        `bootstrap at ${url} from DNS for ${service} has scheme mismatch with expected peer ` +
        match.url.href;
      logger.warn('left an SRV record out', { url, error: lastError });
      continue;
    }
    if (match !== undefined) matched.push(match.url);
    if (String(nextName) === self.name) nextName += 1;
    const name = match === undefined ? String(nextName++) : self.name;
    entries.push(`${name}=${url}`);
  }
  const error = entries.length > 0 || lastError === undefined ? undefined : context + lastError;
  return { entries, own: matched, error };
}

/** The same order at all members, whatever DNS gives first: the preference in the records means nothing here. */
function inOrder(records: readonly SrvRecord[]): SrvRecord[] {
  const key = ({ target, port }: SrvRecord) => `${target.toLowerCase()}:${port}`;
  return [...records].sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}

async function ownPlaces(self: Self, dns: Dns): Promise<readonly OwnPlace[]> {
  const overTcp = self.initialAdvertisePeerUrls.filter(({ path }) => path === '');
  return await Promise.all(overTcp.map(async (url) => ({ url, places: await placesOf(url, dns) })));
}

/** A host may have several addresses, of which etcd looks at one: here any that fits will do. */
async function placesOf({ host, port }: EndpointUrl, dns: Dns): Promise<readonly string[]> {
  const addresses = await dns.addresses(host);
  return addresses.map((address) => `${canonical(address)}:${port}`);
}

/** IPv6 has several notations for one address. */
function canonical(address: string): string {
  return address.includes(':') ? new URL(`http://[${address.replace(/%.*/, '')}]`).host : address;
}

function hrefs(urls: readonly EndpointUrl[]): string {
  return urls.map(({ href }) => href).join(',');
}
