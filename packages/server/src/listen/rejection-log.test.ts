import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { silentLogger } from '../logging/logger.ts';
import { RejectionLog } from './rejection-log.ts';

/** A log at a time of our own, and the fields it has written. */
function newLog() {
  const written: unknown[] = [];
  const time = { ms: 0 };
  const logger = { ...silentLogger, warn: (_: string, fields = {}) => void written.push(fields) };
  const log = new RejectionLog('client', { ...systemClock, nowMs: () => time.ms }, logger);
  return { log, written, time };
}

describe('a log of who was turned away', () => {
  it('names a caller and a reason once in ten seconds, and how often they came meanwhile', () => {
    const { log, written, time } = newLog();
    log.rejected('1.1.1.1:1', { error: 'expired' });
    log.rejected('1.1.1.1:2', { error: 'expired' });
    log.rejected('1.1.1.1:3', { error: 'unknown' });
    log.rejected('2.2.2.2:4', { error: 'expired' });
    time.ms = 10_000;
    log.rejected('1.1.1.1:5', { error: 'expired' });
    expect(written).toEqual([
      { 'remote-addr': '1.1.1.1:1', error: 'expired' },
      { 'remote-addr': '1.1.1.1:3', error: 'unknown' },
      { 'remote-addr': '2.2.2.2:4', error: 'expired' },
      { 'remote-addr': '1.1.1.1:5', error: 'expired', 'times-before': 1 },
    ]);
  });

  it('writes twenty lines a second, whoever comes', () => {
    const { log, written, time } = newLog();
    for (let i = 0; i < 3000; i++) log.rejected(`10.0.${i >> 8}.${i & 255}:1`, { error: 'EOF' });
    expect(written).toHaveLength(20);
    time.ms = 1000;
    log.rejected('9.9.9.9:1', { error: 'EOF' });
    expect(written).toHaveLength(21);
  });
});
