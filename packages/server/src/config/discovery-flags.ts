import type { Flag } from './flag.ts';
import { rows } from './flag-row.ts';

const cluster = rows('Clustering', 'supported');
const kvorum = rows('Kvorum', 'supported');

const inClient = 'discovery-config.client';

/** How founding members find each other when --initial-cluster doesn't say it: by DNS, or by an etcd that runs. */
export const discoveryFlags: readonly Flag[] = [
  cluster(
    'text',
    'discovery',
    '',
    'URL of a token of a discovery service (v2 API), where the founding members register.',
  ),
  cluster('text', 'discovery-proxy', '', 'HTTP proxy on the way to the service of --discovery.'),
  cluster(
    'choice',
    'discovery-fallback',
    'exit',
    "What a member does that --discovery doesn't need any more; there is no 'proxy', as in etcd 3.6.",
    { fileKey: null, choices: ['exit', 'proxy'] },
  ),
  cluster(
    'text',
    'discovery-endpoints',
    '',
    'Client URLs of an etcd where the founding members register (v3 API), comma-separated.',
    { fileKey: `${inClient}.endpoints` },
  ),
  cluster(
    'text',
    'discovery-token',
    '',
    'What they register under; whoever makes it puts the number of members at ' +
      '/_etcd/registry/TOKEN/_config/size.',
    { fileKey: 'discovery-config.token' },
  ),
  cluster('duration', 'discovery-dial-timeout', '2s', 'Time for a connection to that etcd.', {
    fileKey: `${inClient}.dial-timeout`,
  }),
  cluster('duration', 'discovery-request-timeout', '5s', 'Time for a request to it.', {
    fileKey: `${inClient}.request-timeout`,
  }),
  cluster(
    'duration',
    'discovery-keepalive-time',
    '2s',
    'Silence after which it is asked for a sign of life; 10s at least.',
    { fileKey: `${inClient}.keepalive-time` },
  ),
  cluster('duration', 'discovery-keepalive-timeout', '6s', 'Time for that sign.', {
    fileKey: `${inClient}.keepalive-timeout`,
  }),
  cluster(
    'bool',
    'discovery-insecure-transport',
    'true',
    'Speak to it without TLS, unless its URL or a certificate says otherwise.',
    { fileKey: `${inClient}.secure.insecure-transport` },
  ),
  cluster(
    'bool',
    'discovery-insecure-skip-tls-verify',
    'false',
    'Take any certificate of it; for tests only.',
    { fileKey: `${inClient}.secure.insecure-skip-tls-verify` },
  ),
  cluster('text', 'discovery-cert', '', 'Certificate that is shown to it.', {
    fileKey: `${inClient}.secure.cert`,
  }),
  cluster('text', 'discovery-key', '', 'Key of that certificate.', {
    fileKey: `${inClient}.secure.key`,
  }),
  cluster('text', 'discovery-cacert', '', 'Authorities that its certificate may come from.', {
    fileKey: `${inClient}.secure.cacert`,
  }),
  cluster('text', 'discovery-user', '', 'User there, name or name:password.', {
    fileKey: `${inClient}.auth.username`,
  }),
  cluster('text', 'discovery-password', '', 'Password of that user.', {
    fileKey: `${inClient}.auth.password`,
  }),
  cluster(
    'text',
    'discovery-srv',
    '',
    'DNS domain whose SRV records name the founding members (_etcd-server-ssl._tcp, _etcd-server._tcp).',
  ),
  cluster(
    'text',
    'discovery-srv-name',
    '',
    'Suffix of the service in these records, for several clusters in one domain.',
  ),
];

/** Where discovery asks, beyond what etcd can be told. */
export const kvorumDiscoveryFlags: readonly Flag[] = [
  kvorum(
    'list',
    'kvorum-discovery-dns',
    '',
    'DNS servers for --discovery-srv, address[:port], comma-separated; those of the system when empty.',
  ),
];
