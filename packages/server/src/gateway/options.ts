import { ConfigError } from '../config/config-error.ts';
import type { DiscoveryQuery } from '../subcommand/discovery.ts';
import type { FlagSet, SubcommandFlag } from '../subcommand/flag-set.ts';
import type { Backend } from './backend-pool.ts';
import { type GatewayAddress, hostPort } from './gateway.ts';

/** What `kvorum gateway start` was asked for. */
export interface GatewayOptions {
  readonly listen: GatewayAddress;
  /** Undefined: `backends` are given. */
  readonly discovery: DiscoveryQuery | undefined;
  /** Used when discovery finds none. */
  readonly backends: readonly Backend[];
  readonly trustedCaFile: string;
  /** Whom to ask, `address:port`; empty: whom the system asks. */
  readonly dnsServers: readonly string[];
  readonly retryDelayMs: number;
  readonly maxConnections: number;
}

/** As etcd has it, which takes a delay of 0 for this one. */
const DELAY_OF_ZERO_MS = 300_000;

/** etcd's flags, in the words of its help, and how many connections are taken. */
export const gatewayFlags: readonly SubcommandFlag[] = [
  {
    name: 'listen-addr',
    kind: 'text',
    defaultText: '127.0.0.1:23790',
    help: 'Address to listen on.',
  },
  {
    name: 'endpoints',
    kind: 'list',
    defaultText: '127.0.0.1:2379',
    help: 'Client addresses of the members, host:port or URLs.',
  },
  {
    name: 'discovery-srv',
    kind: 'text',
    defaultText: '',
    help: 'DNS domain whose SRV records name the members.',
  },
  {
    name: 'discovery-srv-name',
    kind: 'text',
    defaultText: '',
    help: 'Suffix of the service name in DNS.',
  },
  {
    name: 'insecure-discovery',
    kind: 'bool',
    defaultText: 'false',
    help: 'Take members from DNS that do not prove by TLS to belong to the domain.',
  },
  {
    name: 'trusted-ca-file',
    kind: 'text',
    defaultText: '',
    help: 'PEM of the authorities that certificates of members from DNS are checked with.',
  },
  {
    name: 'retry-delay',
    kind: 'duration',
    defaultText: '1m0s',
    help: 'Wait before a member that could not be reached is tried again.',
  },
  {
    name: 'kvorum-discovery-dns',
    kind: 'list',
    defaultText: '',
    help: "DNS servers to ask for --discovery-srv, address:port, in the place of the system's.",
  },
  {
    name: 'kvorum-max-connections',
    kind: 'uint',
    defaultText: '10000',
    max: 1_000_000,
    help: 'Connections at one time; more are closed at once.',
  },
];

/** Throws `ConfigError` "invalid". */
export function readGatewayOptions(flags: FlagSet): GatewayOptions {
  const listen = parseAddress('--listen-addr', flags.text('listen-addr'), 0);
  const domain = flags.text('discovery-srv');
  const serviceName = flags.text('discovery-srv-name');
  const isInsecure = flags.bool('insecure-discovery');
  if (domain === '' && serviceName !== '') {
    throw new ConfigError('invalid', '--discovery-srv-name needs --discovery-srv');
  }
  const maxConnections = flags.integer('kvorum-max-connections');
  if (maxConnections === 0) {
    throw new ConfigError('invalid', '--kvorum-max-connections must be 1 or more');
  }
  return {
    listen,
    discovery: domain === '' ? undefined : { domain, serviceName, isInsecure },
    backends: flags.list('endpoints').map(parseBackend),
    dnsServers: flags.list('kvorum-discovery-dns'),
    trustedCaFile: flags.text('trusted-ca-file'),
    retryDelayMs: flags.durationMs('retry-delay') || DELAY_OF_ZERO_MS,
    maxConnections,
  };
}

/** Why a gateway would pass its connections on to itself; undefined when it would not. */
export function selfReference(
  listen: GatewayAddress,
  { address, port }: Backend,
  resolved: string,
): string | undefined {
  if (port !== listen.port || resolved !== listen.host) return undefined;
  const [to, own] = [hostPort(resolved, port), hostPort(listen.host, listen.port)];
  return `SRV or endpoint (${address}->${to}) should not resolve to the gateway listen addr (${own})`;
}

/** A member by its address or URL; the scheme says nothing, since bytes are passed on as they are. Throws `ConfigError`. */
export function parseBackend(text: string): Backend {
  const { host, port } = parseAddress('--endpoints', text.replace(/^https?:\/\//i, ''), 1);
  return { address: hostPort(host, port), host, port, priority: 0, weight: 0 };
}

/** An address of a flag; port 0 only where `lowestPort` is. Throws `ConfigError` "invalid". */
export function parseAddress(flag: string, text: string, lowestPort: number): GatewayAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]*)):(\d{1,5})\/?$/.exec(text);
  const port = Number(match?.[3] ?? -1);
  if (match !== null && port >= lowestPort && port <= 65_535) {
    const host = match[1] ?? match[2] ?? '';
    // As Go has it, `:2379` is this machine to those who connect, and all its addresses to who listens.
    return { host: host === '' && lowestPort > 0 ? '127.0.0.1' : host || '::', port };
  }
  throw new ConfigError('invalid', `${flag} takes host:port, not "${text}"`);
}
