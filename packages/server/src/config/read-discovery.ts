import { isIP } from 'node:net';
import { ConfigError } from './config-error.ts';
import type {
  DiscoverySetting,
  SrvDiscovery,
  V2Discovery,
  V3Discovery,
} from './discovery-setting.ts';
import type { FlagValues } from './flag-values.ts';

/** What the flags say about discovery; undefined when --initial-cluster holds. Throws `ConfigError`, in etcd's words. */
export function readDiscovery(values: FlagValues): DiscoverySetting | undefined {
  const hasCluster = values.isGiven('initial-cluster') && values.text('initial-cluster') !== '';
  const srv = readSrv(values);
  const v3 = readV3(values);
  const v2 = readV2(values);
  const settings = [srv, v3, v2].filter((setting) => setting !== undefined);
  if (settings.length + Number(hasCluster) > 1) {
    const other = v2 === undefined ? 'discovery-endpoints' : 'discovery';
    throw new ConfigError(
      'invalid',
      'multiple discovery or bootstrap flags are set. ' +
        `Choose one of "initial-cluster", "${other}" or "discovery-srv"`,
    );
  }
  return settings[0];
}

function readV2(values: FlagValues): V2Discovery | undefined {
  const url = values.text('discovery');
  const proxy = values.text('discovery-proxy');
  if (values.choice('discovery-fallback', ['exit', 'proxy']) === 'proxy') {
    throw new ConfigError(
      'invalid',
      `v2 proxy is deprecated, and --discovery-fallback can't be configured as "proxy"`,
    );
  }
  if (url === '') return undefined;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !isHttp(parsed) || parsed.pathname === '/') {
    throw new ConfigError(
      'invalid',
      `--discovery must be the http or https URL of a token, such as https://discovery.example/TOKEN, not ` +
        JSON.stringify(url),
    );
  }
  return { kind: 'v2', url, proxy: proxy === '' ? undefined : readProxy(proxy) };
}

function readProxy(text: string): string {
  // As in etcd, a host alone will do.
  const url = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  if (URL.canParse(url) && new URL(url).protocol === 'http:') return url;
  const shown = JSON.stringify(text);
  throw new ConfigError(
    'invalid',
    `invalid proxy address ${shown}: it must be host:port of an HTTP proxy`,
  );
}

function isHttp({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

function readSrv(values: FlagValues): SrvDiscovery | undefined {
  const domain = values.text('discovery-srv');
  const serviceName = values.text('discovery-srv-name');
  const servers = values.list('kvorum-discovery-dns');
  for (const server of servers) requireAddress(server);
  if (domain !== '') return { kind: 'srv', domain, serviceName, servers };
  if (serviceName === '') return undefined;
  throw new ConfigError('invalid', '--discovery-srv-name is of no use without --discovery-srv');
}

function readV3(values: FlagValues): V3Discovery | undefined {
  const token = values.text('discovery-token');
  const text = values.text('discovery-endpoints');
  if ((token === '') !== (text === '')) {
    const message = 'both --discovery-token and --discovery-endpoints must be set';
    throw new ConfigError('invalid', message);
  }
  if (token === '') return undefined;
  const endpoints = text.split(',').map((endpoint) => endpoint.trim());
  if (endpoints.includes('')) {
    throw new ConfigError('invalid', '--discovery-endpoints must not contain empty endpoints');
  }
  return {
    kind: 'v3',
    token,
    endpoints: [...new Set(endpoints)],
    dialTimeoutMs: values.durationMs('discovery-dial-timeout'),
    requestTimeoutMs: values.durationMs('discovery-request-timeout'),
    keepaliveTimeMs: values.durationMs('discovery-keepalive-time'),
    keepaliveTimeoutMs: values.durationMs('discovery-keepalive-timeout'),
    user: readUser(values),
    secure: {
      insecureTransport: values.bool('discovery-insecure-transport'),
      insecureSkipVerify: values.bool('discovery-insecure-skip-tls-verify'),
      cert: values.text('discovery-cert'),
      key: values.text('discovery-key'),
      cacert: values.text('discovery-cacert'),
    },
  };
}

/** A server has nobody to ask for a password. */
function readUser(values: FlagValues): V3Discovery['user'] {
  const user = values.text('discovery-user');
  const password = values.text('discovery-password');
  if (user === '') return undefined;
  if (password !== '') return { name: user, password };
  const colon = user.indexOf(':');
  if (colon > 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
  const message = '--discovery-user needs --discovery-password, or to be name:password';
  throw new ConfigError('invalid', message);
}

function requireAddress(server: string): void {
  const [, inBrackets, plain] =
    /^(?:\[([^\]]+)\](?::\d{1,5})?|([^:]+)(?::\d{1,5})?)$/.exec(server) ?? [];
  if (isIP(inBrackets ?? plain ?? server) !== 0) return;
  throw new ConfigError(
    'invalid',
    `--kvorum-discovery-dns has ${JSON.stringify(server)} instead of address[:port]`,
  );
}
