import type { Flag } from './flag.ts';
import { rows } from './flag-row.ts';
import { supportedFlags } from './supported-flags.ts';
import { flagsWithoutEffect, unsupportedFlags } from './unsupported-flags.ts';

const legacyNames = [
  'cluster-active-size',
  'cluster-remove-delay',
  'cluster-sync-interval',
  'config',
  'force',
  'max-result-buffer',
  'max-retry-attempts',
  'peer-heartbeat-interval',
  'peer-election-timeout',
  'retry-interval',
  'snapshot',
  'v',
  'vv',
  'test.coverprofile',
  'test.outputdir',
];

const legacy = rows('Member', 'legacy');

/** Every flag there is: one table drives command line, environment, config file and help. */
export const flagTable: readonly Flag[] = [
  ...supportedFlags,
  ...unsupportedFlags,
  ...flagsWithoutEffect,
  ...legacyNames.map((name) => legacy('text', name, '', 'Ignored.', { fileKey: null })),
];

/** The same table by name. */
export const flagsByName: ReadonlyMap<string, Flag> = new Map(
  flagTable.map((flag) => [flag.name, flag]),
);
