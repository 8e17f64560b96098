import { ConfigError } from './config-error.ts';
import { type EndpointUrl, parseEndpointUrl } from './endpoint-url.ts';
import type { InitialMember, ServerConfig } from './server-config.ts';

/** The flags that found or join a cluster. */
type Bootstrap = Pick<
  ServerConfig,
  'name' | 'initialCluster' | 'initialClusterState' | 'initialAdvertisePeerUrls'
>;

/**
 * Parses --initial-cluster, `name=url[,name=url…]`, where a name may repeat for several URLs. Members come back sorted
 * by name, their URLs by text. Throws `ConfigError` "invalid", whose text begins with `context` when a URL is wrong.
 */
export function parseInitialCluster(
  text: string,
  context = 'error setting up initial cluster: ',
): InitialMember[] {
  const urlsByName = new Map<string, EndpointUrl[]>();
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, name, url] = /^([^=]+)=(.+)$/.exec(entry) ?? [];
    if (name === undefined || url === undefined) {
      const shown = JSON.stringify(entry);
      throw new ConfigError('invalid', `--initial-cluster has ${shown} instead of name=url`);
    }
    const urls = urlsByName.get(name) ?? [];
    urls.push(parseInitialUrl(url, context));
    urlsByName.set(name, urls);
  }
  const members = [...urlsByName].map(([name, peerUrls]): InitialMember => {
    return { name, peerUrls: peerUrls.sort((a, b) => compareText(a.href, b.href)) };
  });
  return members.sort((a, b) => compareText(a.name, b.name));
}

/** The --initial-cluster text of one member alone. */
export function initialClusterOf(name: string, urls: readonly EndpointUrl[]): string {
  return urls.map((url) => `${name}=${url.href}`).join(',');
}

/**
 * What has to hold before a cluster is founded or joined. Call it only when the data directory has no write-ahead log
 * yet: a member that restarts knows its cluster and ignores the --initial flags. Throws `ConfigError`.
 */
export function verifyBootstrap(config: Bootstrap): void {
  const self = config.initialCluster.find((member) => member.name === config.name);
  if (self === undefined) {
    const shown = JSON.stringify(config.name);
    const message = `couldn't find local name ${shown} in the initial cluster configuration`;
    throw new ConfigError('invalid', message);
  }
  // One that joins has been announced to the cluster already, by whoever added it.
  if (config.initialClusterState === 'new') verifyAnnounced(config, self);
  refuseDuplicates(config.initialCluster);
}

/** Refuses one URL at two places. `what` names the list in the text of the `ConfigError`. */
export function refuseDuplicates(
  members: readonly InitialMember[],
  what: 'initial' | 'discovery' = 'initial',
): void {
  const all = members.flatMap(({ peerUrls }) => peerUrls.map(({ href }) => href));
  if (new Set(all).size === all.length) return;
  const listed = members.map(({ name, peerUrls }) => initialClusterOf(name, peerUrls)).join(',');
  throw new ConfigError('invalid', `${what} cluster ${listed} has duplicate url`);
}

/** --initial-cluster and --initial-advertise-peer-urls say the same of this member. */
function verifyAnnounced(config: Bootstrap, self: InitialMember): void {
  const founding = self.peerUrls.map(comparableHref);
  const announced = config.initialAdvertisePeerUrls.map(comparableHref);
  const unannounced = self.peerUrls.filter((url) => !announced.includes(comparableHref(url)));
  const advertised = config.initialAdvertisePeerUrls.map((url) => url.href).join(',');
  if (unannounced.length > 0) {
    const missing = initialClusterOf(config.name, unannounced);
    const message = `--initial-cluster has ${missing} but missing from --initial-advertise-peer-urls=${advertised}`;
    throw new ConfigError('invalid', message);
  }
  const unlisted = config.initialAdvertisePeerUrls.filter(
    (url) => !founding.includes(comparableHref(url)),
  );
  if (unlisted.length > 0) {
    const extra = unlisted.map((url) => url.href).join(',');
    const listed = initialClusterOf(config.name, self.peerUrls);
    const message = `--initial-advertise-peer-urls has ${extra} but missing from --initial-cluster=${listed}`;
    throw new ConfigError('invalid', message);
  }
}

/** etcd compares resolved addresses; here `localhost` equals its usual address, and other names only themselves. */
function comparableHref(url: EndpointUrl): string {
  return url.host === 'localhost' ? `${url.scheme}://127.0.0.1:${url.port}` : url.href;
}

function parseInitialUrl(text: string, context: string): EndpointUrl {
  try {
    return parseEndpointUrl(text);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new ConfigError('invalid', context + error.message);
    }
    throw error;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
