import { hasCertificate, type TlsSettings } from '../tls/tls-settings.ts';
import { ConfigError } from './config-error.ts';
import type { EndpointUrl } from './endpoint-url.ts';
import type { Notice } from './notice.ts';
import type { ServerConfig } from './server-config.ts';

/** The listeners, and how they are secured. */
type Listeners = Pick<
  ServerConfig,
  | 'listenPeerUrls'
  | 'listenClientUrls'
  | 'listenClientHttpUrls'
  | 'listenMetricsUrls'
  | 'clientTls'
  | 'peerTls'
>;

/** Whether a listener or an address is one over TLS. */
export function isSecure({ scheme }: EndpointUrl): boolean {
  return scheme === 'https' || scheme === 'unixs';
}

/** Refuses URLs over TLS for which there is no certificate, and addresses with two uses. Throws `ConfigError`. */
export function requireTls(config: Listeners): void {
  const httpUrls = config.listenClientHttpUrls ?? [];
  for (const url of [...config.listenClientUrls, ...httpUrls].filter(isSecure)) {
    if (isEmpty(config.clientTls)) {
      throw new ConfigError(
        'invalid',
        `TLS key/cert (--cert-file, --key-file) must be provided for client url ${url.href} with HTTPS scheme`,
      );
    }
  }
  requireCertificate(config.listenMetricsUrls, config.clientTls, '--cert-file, --key-file');
  requireCertificate(config.listenPeerUrls, config.peerTls, '--peer-cert-file, --peer-key-file');
  const grpcAddresses = new Set(config.listenClientUrls.map(addressOf));
  // Each port of the system's choice is another one.
  const shared = httpUrls.find(
    (url) => (url.port !== 0 || url.path !== '') && grpcAddresses.has(addressOf(url)),
  );
  if (shared !== undefined) {
    throw new ConfigError(
      'invalid',
      `cannot bind both --listen-client-urls and --listen-client-http-urls on the same url ${shared.href}`,
    );
  }
}

function requireCertificate(
  urls: readonly EndpointUrl[],
  settings: TlsSettings,
  flags: string,
): void {
  const url = urls.find(isSecure);
  if (url === undefined || !isEmpty(settings)) return;
  throw new ConfigError(
    'invalid',
    `cannot listen on TLS for ${addressOf(url)}: KeyFile and CertFile are not presented (${flags})`,
  );
}

function isEmpty(settings: TlsSettings): boolean {
  return !hasCertificate(settings) && !settings.autoTls;
}

/** Where a URL listens, without its scheme. */
function addressOf({ host, port, path }: EndpointUrl): string {
  return path === '' ? `${host}:${port}` : path;
}

/** What is ignored because the URL is one in the clear, as etcd warns of it. */
export function tlsNotices(config: Listeners): Notice[] {
  const { clientTls, peerTls } = config;
  const clientUrls = [...config.listenClientUrls, ...(config.listenClientHttpUrls ?? [])];
  return [
    ...autoTlsNotices(clientTls, 'ignoring client auto TLS since certs given'),
    ...autoTlsNotices(peerTls, 'ignoring peer auto TLS since certs given'),
    ...ignoredNotices(clientUrls, clientTls, {
      field: 'client-url',
      scheme: 'http or unix',
      flag: '--client-cert-auth',
    }),
    ...ignoredNotices(config.listenPeerUrls, peerTls, {
      field: 'peer-url',
      scheme: 'HTTP',
      flag: '--peer-client-cert-auth',
    }),
  ];
}

function autoTlsNotices(settings: TlsSettings, message: string): Notice[] {
  const isIgnored = settings.autoTls && hasCertificate(settings);
  return isIgnored ? [{ level: 'warn', message, fields: {} }] : [];
}

function ignoredNotices(
  urls: readonly EndpointUrl[],
  settings: TlsSettings,
  words: { readonly field: string; readonly scheme: string; readonly flag: string },
): Notice[] {
  const warning = (url: EndpointUrl, what: string, ignored: string): Notice => ({
    level: 'warn',
    message: `scheme is ${words.scheme} while ${what}; ignoring ${ignored}`,
    fields: { [words.field]: url.href },
  });
  return urls
    .filter((url) => !isSecure(url))
    .flatMap((url) => [
      ...(isEmpty(settings)
        ? []
        : [warning(url, 'key and cert files are present', 'key and cert files')]),
      ...(settings.clientCertAuth
        ? [warning(url, `${words.flag} is enabled`, 'client cert auth for this URL')]
        : []),
    ]);
}
