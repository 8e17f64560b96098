import { describe, expect, it } from 'vitest';

import { RocksDbEngine } from './rocksdb-engine.ts';
import { describeEngine } from './testing/engine-conformance.ts';
import { rocksDbEngines } from './testing/engine-factories.ts';

describeEngine('RocksDB', rocksDbEngines());

describe('opening RocksDB', () => {
  it('says "engine" when the path is no directory', async () => {
    const opening = RocksDbEngine.open({ path: '/dev/null/db' });
    await expect(opening).rejects.toMatchObject({ code: 'engine' });
  });
});
