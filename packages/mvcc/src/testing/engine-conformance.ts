import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { COLUMNS, type Engine, type Scan } from '../engine.ts';
import { keyBytesOf, keyTextOf } from '../key-text.ts';

/** How the suite gets engines. */
export interface EngineFactory {
  /** A fresh, empty engine. */
  open(): Promise<Engine>;
  /** Closes `engine` in good order and opens what it left; undefined for engines that leave nothing. */
  reopen: ((engine: Engine) => Promise<Engine>) | undefined;
  /** Cleans up after a test. */
  dispose(): Promise<void>;
}

/** What every engine must do, as a suite of tests; run it with a factory for yours. */
export function describeEngine(name: string, factory: EngineFactory): void {
  describe(`${name} as an engine`, () => {
    let engine: Engine;
    beforeEach(async () => {
      engine = await factory.open();
    });
    afterEach(async () => {
      await engine.close();
      await factory.dispose();
    });

    describeReadsAndWrites(() => engine);
    describe('with some rows', () => describeScans(() => engine));

    it('takes a batch of nothing', () => {
      engine.batch().write();
      engine.batch().write({ sync: true });
      engine.sync();
      expect(all(engine.scan('keys'))).toEqual([]);
    });

    it('says a size that grows with what it holds', () => {
      const before = engine.sizeBytes();
      putAll(engine, { big: 'x'.repeat(4_000_000) });
      expect(engine.sizeBytes()).toBeGreaterThan(before + 1_000_000);
    });

    const { reopen } = factory;
    if (reopen !== undefined) {
      it('still has every column after it was closed and opened again', async () => {
        const batch = engine.batch();
        for (const column of COLUMNS) batch.put(column, keyBytesOf('k'), keyBytesOf(column));
        batch.write();
        engine = await reopen(engine);
        for (const column of COLUMNS) {
          expect(textOf(engine.get(column, keyBytesOf('k')))).toBe(column);
        }
      });
    }
  });
}

function describeReadsAndWrites(engineOf: () => Engine): void {
  it('has nothing at first', () => {
    for (const column of COLUMNS) {
      expect(engineOf().get(column, keyBytesOf('k'))).toBeUndefined();
      expect(all(engineOf().scan(column))).toEqual([]);
    }
  });

  it('returns what was put, in the column where it was put', () => {
    putAll(engineOf(), { a: '1' });
    expect(textOf(engineOf().get('keys', keyBytesOf('a')))).toBe('1');
    expect(engineOf().get('revs', keyBytesOf('a'))).toBeUndefined();
  });

  it('takes any bytes as keys and values, empty ones too', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const batch = engineOf().batch();
    batch.put('keys', new Uint8Array(0), bytes);
    batch.put('keys', bytes, new Uint8Array(0));
    batch.write();
    expect(textOf(engineOf().get('keys', new Uint8Array(0)))).toBe(keyTextOf(bytes));
    expect(engineOf().get('keys', bytes)?.length).toBe(0);
  });

  it('takes views into larger arrays for what they show', () => {
    const batch = engineOf().batch();
    batch.put('keys', keyBytesOf('xkeyx').subarray(1, 4), keyBytesOf('xvaluex').subarray(1, 6));
    batch.write();
    expect(all(engineOf().scan('keys'))).toEqual(['key', 'value']);
  });

  it('answers many keys in order, missing and repeated ones too', () => {
    putAll(engineOf(), { a: '1', b: '2' });
    const keys = ['b', 'none', 'a', 'b'].map(keyBytesOf);
    expect(engineOf().getMany('keys', keys).map(textOf)).toEqual(['2', undefined, '1', '2']);
    expect(engineOf().getMany('keys', [])).toEqual([]);
  });

  it('shows nothing of a batch before it is written', () => {
    const batch = engineOf().batch();
    batch.put('keys', keyBytesOf('a'), keyBytesOf('1'));
    expect(engineOf().get('keys', keyBytesOf('a'))).toBeUndefined();
    batch.write();
    expect(textOf(engineOf().get('keys', keyBytesOf('a')))).toBe('1');
  });

  it('lets later writes of a batch win', () => {
    const batch = engineOf().batch();
    batch.put('keys', keyBytesOf('a'), keyBytesOf('1'));
    batch.put('keys', keyBytesOf('a'), keyBytesOf('2'));
    batch.put('keys', keyBytesOf('b'), keyBytesOf('1'));
    batch.delete('keys', keyBytesOf('b'));
    batch.delete('keys', keyBytesOf('c'));
    batch.put('keys', keyBytesOf('c'), keyBytesOf('3'));
    batch.write({ sync: true });
    expect(all(engineOf().scan('keys'))).toEqual(['a', '2', 'c', '3']);
  });

  it('deletes what is there and ignores what is not', () => {
    putAll(engineOf(), { a: '1', b: '2' });
    const batch = engineOf().batch();
    batch.delete('keys', keyBytesOf('a'));
    batch.delete('keys', keyBytesOf('none'));
    batch.write();
    expect(all(engineOf().scan('keys'))).toEqual(['b', '2']);
  });

  it('refuses to use a batch twice', () => {
    const batch = engineOf().batch();
    batch.write();
    expect(() => batch.put('keys', keyBytesOf('a'), keyBytesOf('1'))).toThrow('written');
    expect(() => batch.write()).toThrow('written');
  });
}

function describeScans(engineOf: () => Engine): void {
  const rows = { a: '1', b: '2', ba: '3', c: '4', '\xff': '5' };
  beforeEach(() => putAll(engineOf(), rows));

  const cases: [
    string,
    { gte?: string; lt?: string; reverse?: boolean; limit?: number },
    string,
  ][] = [
    ['everything in the order of bytes', {}, 'a b ba c \xff'],
    ['from a bound on, the bound included', { gte: 'b' }, 'b ba c \xff'],
    ['up to a bound, the bound left out', { lt: 'c' }, 'a b ba'],
    ['between bounds that are no keys', { gte: 'aa', lt: 'bz' }, 'b ba'],
    ['nothing between equal bounds', { gte: 'b', lt: 'b' }, ''],
    ['nothing between crossed bounds', { gte: 'c', lt: 'b' }, ''],
    ['no more than the limit', { limit: 2 }, 'a b'],
    ['nothing with a limit of zero', { limit: 0 }, ''],
    ['everything backwards', { reverse: true }, '\xff c ba b a'],
    ['backwards between bounds', { gte: 'b', lt: 'c', reverse: true }, 'ba b'],
    ['backwards up to the limit', { lt: 'c', reverse: true, limit: 2 }, 'ba b'],
  ];
  for (const [what, { gte, lt, reverse, limit }, expected] of cases) {
    it(`scans ${what}`, () => {
      const scan = engineOf().scan('keys', {
        gte: gte === undefined ? undefined : keyBytesOf(gte),
        lt: lt === undefined ? undefined : keyBytesOf(lt),
        reverse,
        limit,
      });
      const keys = all(scan).filter((_, i) => i % 2 === 0);
      expect(keys.join(' ')).toBe(expected);
    });
  }

  it('returns pages of at most the asked size', () => {
    const scan = engineOf().scan('keys');
    const sizes: number[] = [];
    for (let page = scan.next(2); page.length > 0; page = scan.next(2)) sizes.push(page.length / 2);
    scan.close();
    expect(sizes.every((size) => size <= 2)).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5);
    expect(scan.next(1)).toEqual([]);
  });

  it('leaves out values or keys when they are not wanted', () => {
    expect(all(engineOf().scan('keys', { keysOnly: true, limit: 2 }))).toEqual(['a', '', 'b', '']);
    expect(all(engineOf().scan('keys', { valuesOnly: true, limit: 2 }))).toEqual([
      '',
      '1',
      '',
      '2',
    ]);
  });

  it('sees one moment, whatever is written while it runs', () => {
    const scan = engineOf().scan('keys');
    const first = scan.next(1).map(textOf);
    const batch = engineOf().batch();
    batch.delete('keys', keyBytesOf('b'));
    batch.put('keys', keyBytesOf('ba'), keyBytesOf('new'));
    batch.put('keys', keyBytesOf('bb'), keyBytesOf('new'));
    batch.write();
    expect([...first, ...all(scan)].join(' ')).toBe('a 1 b 2 ba 3 c 4 \xff 5');
    expect(all(engineOf().scan('keys')).join(' ')).toBe('a 1 ba new bb new c 4 \xff 5');
  });

  it('seeks forwards and backwards within its bounds', () => {
    const scan = engineOf().scan('keys', { gte: keyBytesOf('b'), lt: keyBytesOf('z') });
    scan.seek(keyBytesOf('bb'));
    expect(textOf(scan.next(1)[0])).toBe('c');
    scan.seek(keyBytesOf('b'));
    expect(textOf(scan.next(1)[0])).toBe('b');
    scan.seek(keyBytesOf('ba'));
    expect(all(scan)).toEqual(['ba', '3', 'c', '4']);
  });

  it('seeks back from the end', () => {
    const scan = engineOf().scan('keys', { lt: keyBytesOf('z') });
    expect(scan.next(100).length).toBeGreaterThan(4);
    expect(scan.next(1)).toEqual([]);
    scan.seek(keyBytesOf('bb'));
    expect(textOf(scan.next(1)[0])).toBe('c');
  });

  it('seeks in a reverse scan to the entry at or below the key', () => {
    const scan = engineOf().scan('keys', { lt: keyBytesOf('z'), reverse: true });
    scan.seek(keyBytesOf('bb'));
    expect(textOf(scan.next(1)[0])).toBe('ba');
    scan.seek(keyBytesOf('b'));
    expect(all(scan)).toEqual(['b', '2', 'a', '1']);
  });

  it('can be closed early and twice', () => {
    const scan = engineOf().scan('keys');
    scan.next(1);
    scan.close();
    scan.close();
    expect(scan.next(1)).toEqual([]);
  });

  it('can be closed with scans and batches open, which then refuse', async () => {
    const engine = engineOf();
    const scan = engine.scan('keys');
    scan.next(1);
    const batch = engine.batch();
    batch.put('keys', keyBytesOf('late'), keyBytesOf('1'));
    await engine.close();
    const closed = expect.objectContaining({ code: 'engine' });
    expect(() => scan.next(1)).toThrow(closed);
    expect(() => batch.write()).toThrow(closed);
    expect(() => engine.get('keys', keyBytesOf('a'))).toThrow(closed);
    expect(() => engine.scan('keys')).toThrow(closed);
    expect(() => engine.batch()).toThrow(closed);
    expect(() => engine.sync()).toThrow(closed);
    scan.close();
    await engine.close();
  });
}

function putAll(engine: Engine, rows: Readonly<Record<string, string>>): void {
  const batch = engine.batch();
  for (const [key, value] of Object.entries(rows)) {
    batch.put('keys', keyBytesOf(key), keyBytesOf(value));
  }
  batch.write();
}

function all(scan: Scan): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  for (let page = scan.next(3); page.length > 0; page = scan.next(3))
    texts.push(...page.map(textOf));
  scan.close();
  return texts;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : keyTextOf(bytes);
}
