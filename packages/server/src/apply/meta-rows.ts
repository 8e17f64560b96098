import type { Engine } from '@kvorum/mvcc';

/** The rows of the store's `meta` column whose names begin with `prefix`, which is ASCII, in order of names. */
export function* listMeta(engine: Engine, prefix: string): Generator<[string, Uint8Array]> {
  for (const [name, value] of listMetaRows(engine, prefix)) {
    yield [Buffer.from(name).toString('latin1'), value];
  }
}

/** The same with names as the bytes that they are; what follows the prefix may be any. */
export function* listMetaRows(engine: Engine, prefix: string): Generator<[Uint8Array, Uint8Array]> {
  const scan = engine.scan('meta', {
    gte: Buffer.from(prefix),
    lt: Buffer.from(`${prefix}\xff`, 'latin1'),
  });
  try {
    for (;;) {
      const rows = scan.next(256);
      if (rows.length === 0) return;
      for (let i = 0; i < rows.length; i += 2) {
        yield [rows[i] as Uint8Array, rows[i + 1] as Uint8Array];
      }
    }
  } finally {
    scan.close();
  }
}
