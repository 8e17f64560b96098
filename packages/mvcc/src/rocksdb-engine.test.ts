import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { RocksDbEngine } from './rocksdb-engine.ts';
import { describeEngine } from './testing/engine-conformance.ts';
import { rocksDbEngines } from './testing/engine-factories.ts';

describeEngine('RocksDB', rocksDbEngines());

describe('opening RocksDB', () => {
  it('says "locked" while another has the database open', async () => {
    const path = mkdtempSync(join(tmpdir(), 'kvorum-mvcc-'));
    const engine = await RocksDbEngine.open({ path });
    await expect(RocksDbEngine.open({ path })).rejects.toMatchObject({ code: 'locked' });
    await engine.close();
    await (await RocksDbEngine.open({ path })).close();
    rmSync(path, { recursive: true });
  });

  it('says "engine" when the path is no directory', async () => {
    const opening = RocksDbEngine.open({ path: '/dev/null/db' });
    await expect(opening).rejects.toMatchObject({ code: 'engine' });
  });
});
