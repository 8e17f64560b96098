import { discoveryFlags, kvorumDiscoveryFlags } from './discovery-flags.ts';
import type { Flag } from './flag.ts';
import { rows } from './flag-row.ts';
import { tlsFlags } from './tls-flag-rows.ts';

const member = rows('Member', 'supported');
const cluster = rows('Clustering', 'supported');
const security = rows('Security', 'supported');
const auth = rows('Auth', 'supported');
const monitor = rows('Profiling and Monitoring', 'supported');
const log = rows('Logging', 'supported');
const compaction = rows('Compaction', 'supported');
const unsafe = rows('Unsafe', 'supported');
const kvorum = rows('Kvorum', 'supported');

/** What this version does. Order and wording are those of the help text. */
export const supportedFlags: readonly Flag[] = [
  member(
    'text',
    'name',
    'default',
    'Name of this member; the key of its entry in --initial-cluster.',
  ),
  member('text', 'data-dir', '', 'Directory of all durable state; <name>.etcd when empty.'),
  member(
    'text',
    'wal-dir',
    '',
    'Directory of the write-ahead log; inside the data directory when empty.',
  ),
  member('uint', 'snapshot-count', '10000', 'Applied entries between two raft snapshots.'),
  member(
    'uint',
    'snapshot-catchup-entries',
    '5000',
    'Raft entries kept behind a snapshot for slow followers.',
  ),
  member('uint', 'heartbeat-interval', '100', 'Time (in milliseconds) of a heartbeat interval.'),
  member(
    'uint',
    'election-timeout',
    '1000',
    'Time (in milliseconds) without a leader before an election.',
  ),
  member(
    'bool',
    'initial-election-tick-advance',
    'true',
    'Fast-forward the election clock at boot.',
  ),
  member(
    'urls',
    'listen-peer-urls',
    'http://localhost:2380',
    'URLs to listen on for other members.',
  ),
  member(
    'urls',
    'listen-client-urls',
    'http://localhost:2379',
    'URLs to listen on for clients; gRPC only when --listen-client-http-urls is set.',
  ),
  member(
    'urls',
    'listen-client-http-urls',
    '',
    'URLs to listen on for clients that speak HTTP, apart from gRPC.',
  ),
  member(
    'urls',
    'listen-metrics-urls',
    '',
    'Extra URLs for /metrics, /health, /livez and /readyz.',
  ),
  member(
    'uint',
    'max-wals',
    '5',
    'Write-ahead log files to keep; more when they are needed (0 is unlimited).',
  ),
  member(
    'int',
    'quota-backend-bytes',
    '0',
    'Raise an alarm when the store exceeds this size (0: 2 GiB, negative: no quota).',
  ),
  member('uint', 'max-txn-ops', '128', 'Operations permitted in a transaction.'),
  member('uint', 'max-request-bytes', '1572864', 'Size of a client request the server accepts.'),
  member(
    'uint',
    'max-concurrent-streams',
    '4294967295',
    'Streams a client may have open at a time.',
    { max: 4294967295 },
  ),
  member('duration', 'grpc-keepalive-min-time', '5s', 'Clients may not ping more often than this.'),
  member(
    'duration',
    'grpc-keepalive-interval',
    '2h',
    'How often the server pings an idle client (0 is never).',
  ),
  member(
    'duration',
    'grpc-keepalive-timeout',
    '20s',
    'Wait for the answer to a ping before closing the connection.',
  ),
  member('bool', 'socket-reuse-port', 'false', 'Set SO_REUSEPORT on listeners.', {
    fileKey: 'socket-options.reuse-port',
  }),
  member('bool', 'socket-reuse-address', 'false', 'Set SO_REUSEADDR on listeners.', {
    fileKey: 'socket-options.reuse-address',
  }),
  member('bool', 'enable-grpc-gateway', 'true', 'Serve the JSON gateway under /v3.'),
  member('bool', 'enable-v2', 'false', 'Serve the v2 API under /v2, as etcd did until 3.5.'),
  member(
    'text',
    'config-file',
    '',
    'YAML or JSON file with the configuration; other flags and the environment are ignored.',
    { fileKey: null },
  ),
  member('bool', 'version', 'false', 'Print the version and exit.', { fileKey: null }),

  cluster(
    'urls',
    'initial-advertise-peer-urls',
    'http://localhost:2380',
    'Peer URLs to announce to the other members.',
  ),
  cluster(
    'urls',
    'advertise-client-urls',
    'http://localhost:2379',
    'Client URLs to announce to the public.',
  ),
  cluster(
    'text',
    'initial-cluster',
    'default=http://localhost:2380',
    'Founding members, name=url[,name=url...].',
  ),
  cluster(
    'choice',
    'initial-cluster-state',
    'new',
    "'new' founds a cluster, 'existing' joins one.",
    { choices: ['new', 'existing'] },
  ),
  cluster(
    'text',
    'initial-cluster-token',
    'etcd-cluster',
    'Token that sets clusters apart during bootstrap.',
  ),
  cluster(
    'bool',
    'strict-reconfig-check',
    'true',
    'Refuse membership changes that would lose quorum.',
  ),
  cluster(
    'bool',
    'pre-vote',
    'true',
    'Ask before campaigning, so that a returning member does not disturb its leader.',
  ),
  cluster('uint', 'max-learners', '1', 'Non-voting members allowed at a time.'),
  ...discoveryFlags,

  security('list', 'cors', '*', 'Origins allowed by CORS, comma-separated.'),
  security(
    'list',
    'host-whitelist',
    '*',
    'Host names accepted in plaintext HTTP requests, comma-separated.',
  ),
  ...tlsFlags,

  auth(
    'text',
    'auth-token',
    'simple',
    "'simple', or 'jwt,pub-key=FILE,priv-key=FILE,sign-method=METHOD[,ttl=5m]' (empty is no tokens).",
  ),
  auth('uint', 'auth-token-ttl', '300', 'Seconds without use after which a simple token ends.'),
  auth('uint', 'bcrypt-cost', '10', 'Cost of a password hash, 4 to 31.'),

  monitor(
    'choice',
    'metrics',
    'basic',
    "Detail of metrics; 'extensive' adds latency histograms per gRPC method.",
    { choices: ['basic', 'extensive'] },
  ),
  monitor('duration', 'warning-apply-duration', '100ms', 'Log an apply that takes longer.'),
  monitor(
    'duration',
    'warning-unary-request-duration',
    '300ms',
    'Log a unary request that takes longer.',
  ),
  monitor(
    'duration',
    'watch-progress-notify-interval',
    '0s',
    'Period of progress notifications to watchers (0 is 10m).',
  ),

  log('choice', 'log-level', 'info', 'Lines to write: debug, info, warn, error, panic or fatal.', {
    choices: ['debug', 'info', 'warn', 'error', 'panic', 'fatal'],
  }),
  log('choice', 'log-format', 'json', 'Format of a line: json or console.', {
    choices: ['json', 'console'],
  }),
  log(
    'list',
    'log-outputs',
    'default',
    "'default' (stderr), 'stderr', 'stdout' or file paths, comma-separated.",
  ),

  compaction(
    'text',
    'auto-compaction-mode',
    'periodic',
    "'periodic' keeps a time span, 'revision' a number of revisions.",
  ),
  compaction(
    'text',
    'auto-compaction-retention',
    '0',
    "Hours or a duration such as '30m' if periodic, a number if revision (0 is off).",
  ),
  compaction('uint', 'compaction-batch-limit', '0', 'Revisions deleted per batch (0 is 1000).'),
  compaction(
    'duration',
    'compaction-sleep-interval',
    '0s',
    'Pause between two batches (0 is 10ms).',
  ),

  unsafe('bool', 'force-new-cluster', 'false', 'Make a cluster of one out of this member.'),
  unsafe(
    'bool',
    'unsafe-no-fsync',
    'false',
    'Never sync to disk: a power cut loses acknowledged writes.',
  ),

  kvorum(
    'choice',
    'kvorum-transport',
    'h2',
    'HTTP/2 implementation of the client port: h2 or node-http2.',
    { choices: ['h2', 'node-http2'] },
  ),
  kvorum(
    'uint',
    'kvorum-busy-poll-us',
    '300',
    'Longest wait for the next request without sleeping, in microseconds; 0 always sleeps.',
  ),
  kvorum(
    'text',
    'kvorum-peer-local-address',
    '',
    'Local IP address of connections to other members; the system chooses when empty.',
  ),
  kvorum(
    'bool',
    'kvorum-stop-with-stdin',
    'false',
    'Stop in good order when standard input ends: whoever started the member is gone then.',
  ),
  kvorum(
    'uint',
    'kvorum-cache-bytes',
    '16777216',
    'Memory for the cache of keys, and as much again for that of ranges.',
  ),
  kvorum(
    'choice',
    'kvorum-engine',
    'rocksdb',
    "Storage engine: rocksdb or memory ('memory' forgets everything at exit).",
    { choices: ['rocksdb', 'memory'] },
  ),
  ...kvorumDiscoveryFlags,
];
