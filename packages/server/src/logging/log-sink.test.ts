import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLogSink } from './log-sink.ts';

describe('openLogSink', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kvorum-log-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it('appends every line to every file, in order', async () => {
    const paths = [join(dir, 'a.log'), join(dir, 'b.log')];
    const first = openLogSink(paths, 'json');
    for (let i = 0; i < 100; i += 1) {
      first.write(`{"n":${i}}\n`);
    }
    await first.drain();
    const second = openLogSink(paths, 'json');
    second.write('{"n":100}\n');
    await second.drain();
    for (const path of paths) {
      const numbers = readFileSync(path, 'utf8').trimEnd().split('\n');
      expect(numbers.map((line) => JSON.parse(line).n)).toEqual(
        Array.from({ length: 101 }, (_, i) => i),
      );
    }
    expect(statSync(paths[0] ?? '').mode & 0o777).toBe(0o600);
  });

  it('writes the console format when asked', async () => {
    const path = join(dir, 'c.log');
    const sink = openLogSink([path], 'console');
    sink.write('{"level":"info","ts":"T","msg":"hi"}\n');
    await sink.drain();
    expect(readFileSync(path, 'utf8')).toBe('T\tinfo\thi\n');
  });

  it('writes what waits in place for a process that ends', async () => {
    const path = join(dir, 'd.log');
    const sink = openLogSink([path], 'json');
    for (let i = 0; i < 3; i += 1) {
      sink.write(`{"n":${i}}\n`);
    }
    sink.flushNow();
    const written = readFileSync(path, 'utf8');
    expect(written).toContain('{"n":1}\n{"n":2}\n');
    await sink.drain();
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(3);
  });

  it('throws when a file cannot be opened', () => {
    expect(() => openLogSink([join(dir, 'missing', 'x.log')], 'json')).toThrow('ENOENT');
  });
});
