import type { Engine } from '@kvorum/mvcc';

/** The rows of the store's `meta` column whose names begin with `prefix`, which is ASCII, in order of names. */
export function* listMeta(engine: Engine, prefix: string): Generator<[string, Uint8Array]> {
  const scan = engine.scan('meta', { gte: Buffer.from(prefix), lt: Buffer.from(`${prefix}\x7f`) });
  try {
    for (;;) {
      const rows = scan.next(256);
      if (rows.length === 0) return;
      for (let i = 0; i < rows.length; i += 2) {
        yield [Buffer.from(rows[i] as Uint8Array).toString('latin1'), rows[i + 1] as Uint8Array];
      }
    }
  } finally {
    scan.close();
  }
}
