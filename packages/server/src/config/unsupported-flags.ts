import type { Flag } from './flag.ts';
import { rows } from './flag-row.ts';

const noMember = rows('Member', 'unsupported');
const noCluster = rows('Clustering', 'unsupported');
const noSecurity = rows('Security', 'unsupported');
const noAuth = rows('Auth', 'unsupported');
const noMonitor = rows('Profiling and Monitoring', 'unsupported');
const noLog = rows('Logging', 'unsupported');

/** etcd's features that are not built yet. Their help is short: the help text only lists their names. */
export const unsupportedFlags: readonly Flag[] = [
  noMember('bool', 'memory-mlock', 'false', 'Lock all memory.'),
  noMember('duration', 'raft-read-timeout', '5s', 'Read timeout between members.', {
    fileKey: null,
  }),
  noMember('duration', 'raft-write-timeout', '5s', 'Write timeout between members.', {
    fileKey: null,
  }),
  noMember('text', 'feature-gates', '', 'Features of etcd to switch.'),

  noCluster('text', 'discovery-endpoints', '', 'Discovery.', {
    fileKey: 'discovery-config.client.endpoints',
  }),
  noCluster('text', 'discovery-token', '', 'Discovery.', { fileKey: 'discovery-config.token' }),
  noCluster('duration', 'discovery-dial-timeout', '2s', 'Discovery.', {
    fileKey: 'discovery-config.client.dial-timeout',
  }),
  noCluster('duration', 'discovery-request-timeout', '5s', 'Discovery.', {
    fileKey: 'discovery-config.client.request-timeout',
  }),
  noCluster('duration', 'discovery-keepalive-time', '2s', 'Discovery.', {
    fileKey: 'discovery-config.client.keepalive-time',
  }),
  noCluster('duration', 'discovery-keepalive-timeout', '6s', 'Discovery.', {
    fileKey: 'discovery-config.client.keepalive-timeout',
  }),
  noCluster('bool', 'discovery-insecure-transport', 'true', 'Discovery.', {
    fileKey: 'discovery-config.client.secure.insecure-transport',
  }),
  noCluster('bool', 'discovery-insecure-skip-tls-verify', 'false', 'Discovery.', {
    fileKey: 'discovery-config.client.secure.insecure-skip-tls-verify',
  }),
  noCluster('text', 'discovery-cert', '', 'Discovery.', {
    fileKey: 'discovery-config.client.secure.cert',
  }),
  noCluster('text', 'discovery-key', '', 'Discovery.', {
    fileKey: 'discovery-config.client.secure.key',
  }),
  noCluster('text', 'discovery-cacert', '', 'Discovery.', {
    fileKey: 'discovery-config.client.secure.cacert',
  }),
  noCluster('text', 'discovery-user', '', 'Discovery.', {
    fileKey: 'discovery-config.client.auth.username',
  }),
  noCluster('text', 'discovery-password', '', 'Discovery.', {
    fileKey: 'discovery-config.client.auth.password',
  }),
  noCluster('choice', 'discovery-fallback', 'exit', 'Discovery.', {
    fileKey: null,
    choices: ['exit', 'proxy'],
  }),
  noCluster('text', 'discovery-srv', '', 'DNS discovery.'),
  noCluster('text', 'discovery-srv-name', '', 'DNS discovery.'),
  noCluster('choice', 'v2-deprecation', 'write-only', 'Phase of the v2 store.', {
    choices: ['not-yet', 'write-only', 'write-only-skip-check', 'write-only-drop-data', 'gone'],
  }),

  noSecurity('text', 'cert-file', '', 'TLS.', { fileKey: 'client-transport-security.cert-file' }),
  noSecurity('text', 'key-file', '', 'TLS.', { fileKey: 'client-transport-security.key-file' }),
  noSecurity('text', 'client-cert-file', '', 'TLS.', {
    fileKey: 'client-transport-security.client-cert-file',
  }),
  noSecurity('text', 'client-key-file', '', 'TLS.', {
    fileKey: 'client-transport-security.client-key-file',
  }),
  noSecurity('bool', 'client-cert-auth', 'false', 'TLS.', {
    fileKey: 'client-transport-security.client-cert-auth',
  }),
  noSecurity('text', 'client-crl-file', '', 'TLS.', { fileKey: null }),
  noSecurity('list', 'client-cert-allowed-hostname', '', 'TLS.', {
    fileKey: 'client-transport-security.allowed-hostname',
  }),
  noSecurity('text', 'trusted-ca-file', '', 'TLS.', {
    fileKey: 'client-transport-security.trusted-ca-file',
  }),
  noSecurity('bool', 'auto-tls', 'false', 'TLS.', {
    fileKey: 'client-transport-security.auto-tls',
  }),
  noSecurity('text', 'peer-cert-file', '', 'TLS.', {
    fileKey: 'peer-transport-security.cert-file',
  }),
  noSecurity('text', 'peer-key-file', '', 'TLS.', { fileKey: 'peer-transport-security.key-file' }),
  noSecurity('text', 'peer-client-cert-file', '', 'TLS.', {
    fileKey: 'peer-transport-security.client-cert-file',
  }),
  noSecurity('text', 'peer-client-key-file', '', 'TLS.', {
    fileKey: 'peer-transport-security.client-key-file',
  }),
  noSecurity('bool', 'peer-client-cert-auth', 'false', 'TLS.', {
    fileKey: 'peer-transport-security.client-cert-auth',
  }),
  noSecurity('text', 'peer-trusted-ca-file', '', 'TLS.', {
    fileKey: 'peer-transport-security.trusted-ca-file',
  }),
  noSecurity('text', 'peer-crl-file', '', 'TLS.', { fileKey: null }),
  noSecurity('list', 'peer-cert-allowed-cn', '', 'TLS.', {
    fileKey: 'peer-transport-security.allowed-cn',
  }),
  noSecurity('list', 'peer-cert-allowed-hostname', '', 'TLS.', {
    fileKey: 'peer-transport-security.allowed-hostname',
  }),
  noSecurity('bool', 'peer-auto-tls', 'false', 'TLS.', {
    fileKey: 'peer-transport-security.auto-tls',
  }),
  noSecurity('bool', 'peer-skip-client-san-verification', 'false', 'TLS.', {
    fileKey: 'peer-transport-security.skip-client-san-verification',
  }),
  noSecurity('uint', 'self-signed-cert-validity', '1', 'TLS.'),
  noSecurity('list', 'cipher-suites', '', 'TLS.'),
  noSecurity('text', 'tls-min-version', 'TLS1.2', 'TLS.'),
  noSecurity('text', 'tls-max-version', '', 'TLS.'),

  noAuth('text', 'auth-token', 'simple', 'Kind of authentication tokens.'),
  noAuth('uint', 'auth-token-ttl', '300', 'Seconds a simple token lives.'),
  noAuth('uint', 'bcrypt-cost', '10', 'Cost of a password hash.'),

  noMonitor('bool', 'enable-pprof', 'false', 'Profiles over HTTP.'),
  noMonitor('bool', 'enable-distributed-tracing', 'false', 'Tracing.'),
  noMonitor('text', 'distributed-tracing-address', 'localhost:4317', 'Tracing.'),
  noMonitor('text', 'distributed-tracing-service-name', 'etcd', 'Tracing.'),
  noMonitor('text', 'distributed-tracing-instance-id', '', 'Tracing.'),
  noMonitor('int', 'distributed-tracing-sampling-rate', '0', 'Tracing.'),
  noMonitor('duration', 'corrupt-check-time', '0s', 'Period of comparing hashes between members.'),
  noMonitor(
    'duration',
    'compact-hash-check-time',
    '1m',
    'Period of comparing compaction hashes between members.',
  ),
  noMonitor('duration', 'downgrade-check-time', '5s', 'Period of the downgrade monitor.'),

  noLog('bool', 'enable-log-rotation', 'false', 'Rotation of log files.'),
  noLog(
    'text',
    'log-rotation-config-json',
    '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
    'Rotation of log files.',
  ),
  noLog('choice', 'logger', 'zap', 'Log library.', { choices: ['zap'] }),
];

const idle = rows('Member', 'no-effect');

/** etcd's tuning of its own storage engine, and of the snapshot files beside it: here the store is the snapshot. */
export const flagsWithoutEffect: readonly Flag[] = [
  idle('uint', 'max-snapshots', '5', 'Snapshot files to keep; there are none.'),
  idle('text', 'backend-bbolt-freelist-type', '', "Free list of etcd's storage engine."),
  idle('duration', 'backend-batch-interval', '0s', "Commit period of etcd's storage engine."),
  idle('int', 'backend-batch-limit', '0', "Commit size of etcd's storage engine."),
  idle(
    'uint',
    'bootstrap-defrag-threshold-megabytes',
    '0',
    'Defragment at start; there is nothing to defragment.',
  ),
];
