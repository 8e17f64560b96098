import { ConfigError } from '../../config/config-error.ts';
import type { FlagSet, SubcommandFlag } from '../../subcommand/flag-set.ts';

/** What `kvorum discovery start` was asked for. */
export interface DiscoveryServiceOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Client URLs of an etcd with the v2 API, at least one. */
  readonly endpoints: readonly URL[];
  /** What token URLs begin with, without a slash at the end; undefined: as the service was called. */
  readonly urlPrefix: string | undefined;
  /** Paths of PEM files; empty for none. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly trustedCaFile: string;
}

export const discoveryServiceFlags: readonly SubcommandFlag[] = [
  {
    name: 'listen-addr',
    kind: 'text',
    defaultText: '127.0.0.1:8087',
    help: 'Address to listen on.',
  },
  {
    name: 'endpoints',
    kind: 'list',
    defaultText: 'http://127.0.0.1:2379',
    help: 'Client URLs of the etcd that keeps the tokens; it needs --enable-v2.',
  },
  {
    name: 'url-prefix',
    kind: 'text',
    defaultText: '',
    help: 'What the URLs of tokens begin with, where members reach this service; when empty, as it was called.',
  },
  { name: 'cert-file', kind: 'text', defaultText: '', help: 'Certificate to listen with TLS.' },
  { name: 'key-file', kind: 'text', defaultText: '', help: 'Key of that certificate.' },
  {
    name: 'trusted-ca-file',
    kind: 'text',
    defaultText: '',
    help: "PEM of the authorities that the endpoints' certificates are checked with.",
  },
];

/** Throws `ConfigError` "invalid". */
export function readDiscoveryServiceOptions(flags: FlagSet): DiscoveryServiceOptions {
  const certFile = flags.text('cert-file');
  const keyFile = flags.text('key-file');
  if ((certFile === '') !== (keyFile === '')) {
    throw new ConfigError('invalid', '--cert-file and --key-file go together');
  }
  const endpoints = flags.list('endpoints').map((text) => readUrl('--endpoints', text));
  if (endpoints.length === 0) throw new ConfigError('invalid', '--endpoints must not be empty');
  const prefix = flags.text('url-prefix');
  return {
    listen: readAddress(flags.text('listen-addr')),
    endpoints,
    urlPrefix: prefix === '' ? undefined : readUrl('--url-prefix', prefix).href.replace(/\/+$/, ''),
    certFile,
    keyFile,
    trustedCaFile: flags.text('trusted-ca-file'),
  };
}

function readAddress(text: string): DiscoveryServiceOptions['listen'] {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? -1);
  if (match === null || port < 0 || port > 65_535) {
    throw new ConfigError('invalid', `--listen-addr takes host:port, not ${JSON.stringify(text)}`);
  }
  return { host: match[1] ?? (match[2] || '::'), port };
}

function readUrl(flag: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new ConfigError('invalid', `${flag} takes http or https URLs, not ${JSON.stringify(text)}`);
}
