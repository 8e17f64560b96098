import { ConfigError } from '../config/config-error.ts';
import { type EndpointUrl, parseEndpointUrl } from '../config/endpoint-url.ts';
import { isSecure } from '../config/secure-urls.ts';
import { checkTlsSettings, cipherSuitesOf, tlsVersions } from '../config/tls-flags.ts';
import { hostPort } from '../gateway/gateway.ts';
import { parseAddress } from '../gateway/options.ts';
import type { DiscoveryQuery } from '../subcommand/discovery.ts';
import type { FlagSet } from '../subcommand/flag-set.ts';
import { hasCertificate, noTls, type TlsSettings } from '../tls/tls-settings.ts';

/** How the proxy is known to the members. Paths of PEM files; empty: none. */
export interface BackendTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly insecureSkipVerify: boolean;
}

/** What `kvorum grpc-proxy start` was asked for. */
export interface GrpcProxyOptions {
  readonly listen: EndpointUrl;
  /** Undefined: none. */
  readonly metricsListen: EndpointUrl | undefined;
  readonly endpoints: readonly string[];
  /** 0: never. */
  readonly autoSyncMs: number;
  /** Undefined: `endpoints` are given. */
  readonly discovery: DiscoveryQuery | undefined;
  readonly dnsServers: readonly string[];
  readonly advertised: string;
  readonly resolverPrefix: string;
  readonly resolverTtlSeconds: number;
  readonly namespace: string;
  readonly isOrdered: boolean;
  /** How old an answer from the cache may be; 0: any age. */
  readonly cacheMaxAgeMs: number;
  readonly maxSendBytes: number;
  readonly maxReceiveBytes: number;
  readonly maxConcurrentStreams: number;
  /** Towards clients, in ms; an interval of 0 is never. */
  readonly keepalive: {
    readonly minTimeMs: number;
    readonly intervalMs: number;
    readonly timeoutMs: number;
  };
  /** Towards members, in ms; an interval of 0 is never. */
  readonly dialKeepalive: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly tls: BackendTls;
  /** Towards clients. */
  readonly clientTls: TlsSettings;
  /** Where a certificate is kept that was made for it. */
  readonly dataDir: string;
}

/** Throws `ConfigError`. */
export function readGrpcProxyOptions(flags: FlagSet): GrpcProxyOptions {
  refuseUnsupported(flags);
  const { host, port } = parseAddress('--listen-addr', flags.text('listen-addr'), 0);
  const metricsAddr = flags.text('metrics-addr');
  const domain = flags.text('discovery-srv');
  const serviceName = flags.text('discovery-srv-name');
  if (domain === '' && serviceName !== '') {
    throw new ConfigError('invalid', '--discovery-srv-name needs --discovery-srv');
  }
  const endpoints = flags.list('endpoints');
  if (endpoints.length === 0 && domain === '') throw new ConfigError('invalid', 'no endpoints');
  const listening = clientTls(flags);
  const scheme = isGiven(listening) ? 'https' : 'http';
  return {
    listen: { scheme, host, port, path: '', href: `${scheme}://${hostPort(host, port)}` },
    metricsListen: metricsAddr === '' ? undefined : metricsUrl(metricsAddr, listening),
    clientTls: listening,
    dataDir: flags.text('data-dir'),
    endpoints,
    autoSyncMs: flags.durationMs('endpoints-auto-sync-interval'),
    discovery:
      domain === ''
        ? undefined
        : { domain, serviceName, isInsecure: flags.bool('insecure-discovery') },
    dnsServers: flags.list('kvorum-discovery-dns'),
    ...resolverOptions(flags),
    namespace: flags.text('namespace'),
    isOrdered: flags.bool('experimental-serializable-ordering'),
    cacheMaxAgeMs: flags.durationMs('kvorum-cache-max-age'),
    maxSendBytes: flags.integer('max-send-bytes'),
    maxReceiveBytes: flags.integer('max-recv-bytes'),
    maxConcurrentStreams: flags.integer('max-concurrent-streams'),
    keepalive: {
      minTimeMs: flags.durationMs('grpc-keepalive-min-time'),
      intervalMs: flags.durationMs('grpc-keepalive-interval'),
      timeoutMs: flags.durationMs('grpc-keepalive-timeout'),
    },
    dialKeepalive: {
      intervalMs: flags.durationMs('dial-keepalive-time'),
      timeoutMs: flags.durationMs('dial-keepalive-timeout'),
    },
    tls: backendTls(flags),
  };
}

function metricsUrl(text: string, tls: TlsSettings): EndpointUrl {
  const url = parseEndpointUrl(text);
  if (!isSecure(url) || isGiven(tls)) return url;
  const message =
    '--metrics-addr is a URL over TLS, for which there is no --cert-file and --key-file';
  throw new ConfigError('invalid', message);
}

/** Whether there is a certificate, or will be one. */
function isGiven(tls: TlsSettings): boolean {
  return hasCertificate(tls) || tls.autoTls;
}

/** TLS towards clients. */
function clientTls(flags: FlagSet): TlsSettings {
  const [certFile, keyFile] = [flags.text('cert-file'), flags.text('key-file')];
  const trustedCaFile = flags.text('trusted-ca-file');
  if ((certFile === '') !== (keyFile === '')) {
    throw new ConfigError('invalid', '--cert-file and --key-file go together: one is missing');
  }
  if (certFile === '' && trustedCaFile !== '' && !flags.bool('auto-tls')) {
    throw new ConfigError('invalid', '--trusted-ca-file needs --cert-file and --key-file');
  }
  const settings = {
    ...noTls,
    ...tlsVersions(flags.text('tls-min-version'), flags.text('tls-max-version')),
    cipherSuites: cipherSuitesOf(flags.list('listen-cipher-suites')),
    certFile,
    keyFile,
    trustedCaFile,
    clientCertAuth: trustedCaFile !== '',
    crlFile: flags.text('client-crl-file'),
    autoTls: flags.bool('auto-tls'),
    selfSignedValidityYears: flags.integer('self-signed-cert-validity'),
    skipClientSanVerification: true,
  };
  checkTlsSettings(settings);
  return settings;
}

function resolverOptions(flags: FlagSet) {
  const resolverPrefix = flags.text('resolver-prefix').replace(/\/+$/, '');
  const resolverTtlSeconds = flags.integer('resolver-ttl');
  const advertised = flags.text('advertise-client-url');
  if (resolverPrefix !== '' && resolverTtlSeconds < 1) {
    throw new ConfigError('invalid', `invalid resolver-ttl ${resolverTtlSeconds}`);
  }
  if (resolverPrefix === '' && resolverTtlSeconds > 0) {
    throw new ConfigError('invalid', `invalid resolver-prefix ${JSON.stringify(resolverPrefix)}`);
  }
  if (resolverPrefix !== '' && advertised === '') {
    throw new ConfigError('invalid', 'invalid advertise-client-url ""');
  }
  return { resolverPrefix, resolverTtlSeconds, advertised };
}

function backendTls(flags: FlagSet): BackendTls {
  const [certFile, keyFile] = [flags.text('cert'), flags.text('key')];
  if ((certFile === '') !== (keyFile === '')) {
    throw new ConfigError('invalid', '--cert and --key go together: one of them is missing');
  }
  return {
    certFile,
    keyFile,
    caFile: flags.text('cacert'),
    insecureSkipVerify: flags.bool('insecure-skip-tls-verify'),
  };
}

/** What is plainly refused rather than half done. */
function refuseUnsupported(flags: FlagSet): void {
  const refuse = (name: string, remedy: string) => {
    throw new ConfigError('unsupported', `--${name} is not supported by Kvorum: ${remedy}`);
  };
  if (flags.text('experimental-leasing-prefix') !== '') {
    refuse('experimental-leasing-prefix', 'reads are cached for serializable requests alone');
  }
  if (flags.bool('enable-pprof')) {
    refuse(
      'enable-pprof',
      "start the proxy by Node with --inspect or --cpu-prof for Node's profiles",
    );
  }
}
