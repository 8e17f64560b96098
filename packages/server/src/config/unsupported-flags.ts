import type { Flag } from './flag.ts';
import { rows } from './flag-row.ts';

const noMember = rows('Member', 'unsupported');
const noCluster = rows('Clustering', 'unsupported');
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

  noCluster('choice', 'proxy', 'off', 'The proxy of the v2 API.', {
    choices: ['off', 'readonly', 'on'],
  }),
  noCluster('choice', 'v2-deprecation', 'write-only', 'Phase of the v2 store.', {
    choices: ['not-yet', 'write-only', 'write-only-skip-check', 'write-only-drop-data', 'gone'],
  }),

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
