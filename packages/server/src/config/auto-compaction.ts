import { ConfigError } from './config-error.ts';
import { parseDurationMs } from './duration.ts';
import type { AutoCompaction } from './server-config.ts';

const hourMs = 3_600_000;

/**
 * Resolves --auto-compaction-mode and --auto-compaction-retention. Mode periodic takes a number of hours or a
 * duration; mode revision takes a number (etcd also takes a duration there, and counts its nanoseconds as revisions:
 * refused here as the mistake it is). Throws `ConfigError` "invalid".
 */
export function parseAutoCompaction(mode: string, retention: string): AutoCompaction {
  if (mode === '') {
    throw new ConfigError('invalid', 'undefined auto-compaction-mode');
  }
  if (mode !== 'periodic' && mode !== 'revision') {
    throw new ConfigError('invalid', `unknown auto-compaction-mode ${JSON.stringify(mode)}`);
  }
  const isNumber = /^\d+$/.test(retention);
  if (mode === 'revision') {
    const retentionRevisions = isNumber ? Number(retention) : Number.NaN;
    if (!Number.isSafeInteger(retentionRevisions)) {
      throw badRetention(retention, 'a number of revisions');
    }
    return retentionRevisions === 0 ? { mode: 'off' } : { mode, retentionRevisions };
  }
  const retentionMs = isNumber ? Number(retention) * hourMs : parseDurationMs(retention);
  if (retentionMs === undefined || retentionMs < 0) {
    throw badRetention(retention, 'a number of hours or a duration such as 30m');
  }
  return retentionMs === 0 ? { mode: 'off' } : { mode, retentionMs };
}

function badRetention(retention: string, wanted: string): ConfigError {
  const shown = JSON.stringify(retention);
  const message = `error parsing CompactionRetention: ${shown} is not ${wanted}`;
  return new ConfigError('invalid', message);
}
