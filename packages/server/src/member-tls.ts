import type { EndpointUrl } from './config/endpoint-url.ts';
import { isSecure } from './config/secure-urls.ts';
import type { ServerConfig } from './config/server-config.ts';
import { withAutoTls } from './tls/auto-tls.ts';
import { ClientNames } from './tls/client-names.ts';
import { type TlsDialing, tlsDialing } from './tls/tls-dialing.ts';
import { TlsListening } from './tls/tls-listening.ts';
import { hasCertificate, type TlsSettings } from './tls/tls-settings.ts';
import type { TlsTools } from './tls/tls-tools.ts';

/** TLS of one member: undefined where it has none. */
export interface MemberTls {
  /** For clients, and for those who want metrics alone. */
  readonly clients: TlsListening | undefined;
  /** Common names of clients' certificates, where they are users: with --client-cert-auth. */
  readonly clientNames: ClientNames | undefined;
  readonly peers: TlsListening | undefined;
  /** To other members, if their addresses ask for it. */
  readonly dialing: TlsDialing;
}

/** Makes of the flags what listeners and dialers use. Rejects with what is wrong with a file, and its name. */
export async function memberTls(config: ServerConfig, tools: TlsTools): Promise<MemberTls> {
  const { clientTls, peerTls } = await withCertificates(config, tools);
  announce('starting with peer TLS', peerTls, tools);
  announce('starting with client TLS', clientTls, tools);
  const listening = async (urls: readonly EndpointUrl[], settings: TlsSettings) =>
    urls.some(isSecure) ? await TlsListening.open(settings, tools) : undefined;
  const clientUrls = [
    ...config.listenClientUrls,
    ...(config.listenClientHttpUrls ?? []),
    ...config.listenMetricsUrls,
  ];
  return {
    clientNames: clientTls.clientCertAuth ? new ClientNames() : undefined,
    clients: await listening(clientUrls, clientTls),
    peers: await listening(config.listenPeerUrls, peerTls),
    dialing: tlsDialing(peerTls, tools),
  };
}

/** What the flags say, with certificates made where they ask for it. */
async function withCertificates(
  config: ServerConfig,
  tools: TlsTools,
): Promise<Pick<ServerConfig, 'clientTls' | 'peerTls'>> {
  const hostsOf = (urls: readonly EndpointUrl[]) => urls.filter(isSecure).map(hostOf);
  const { clientTls, peerTls, dataDir, listenPeerUrls, listenMetricsUrls } = config;
  const clientHosts = hostsOf([
    ...config.listenClientUrls,
    ...(config.listenClientHttpUrls ?? []),
    ...listenMetricsUrls,
    ...config.advertiseClientUrls,
  ]);
  const peerHosts = hostsOf([...listenPeerUrls, ...config.initialAdvertisePeerUrls]);
  const folder = (side: string) => `${dataDir}/fixtures/${side}`;
  return {
    // Without such an address nobody would ever see it.
    clientTls:
      clientHosts.length === 0
        ? clientTls
        : await withAutoTls(clientTls, clientHosts, folder('client'), tools),
    peerTls:
      peerHosts.length === 0
        ? peerTls
        : await withAutoTls(peerTls, peerHosts, folder('peer'), tools),
  };
}

/** The name or address that clients look for in a certificate; who comes by a unix socket takes it for `localhost`. */
function hostOf({ host, path }: EndpointUrl): string {
  return path === '' ? host : 'localhost';
}

function announce(message: string, settings: TlsSettings, { logger }: TlsTools): void {
  if (!hasCertificate(settings)) return;
  const { cipherSuites } = settings;
  logger.info(message, { 'tls-info': describe(settings), 'cipher-suites': cipherSuites });
}

/** All that concerns files, in etcd's form. */
function describe(settings: TlsSettings): string {
  return (
    `cert = ${settings.certFile}, key = ${settings.keyFile}, ` +
    `client-cert=${settings.clientCertFile}, client-key=${settings.clientKeyFile}, ` +
    `trusted-ca = ${settings.trustedCaFile}, client-cert-auth = ${settings.clientCertAuth}, ` +
    `crl-file = ${settings.crlFile}`
  );
}
