import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { WalError } from '../errors.ts';
import { nodeDisk } from '../node-disk.ts';
import { SimDisk } from '../testing/sim-disk.ts';
import { loadNewestSnapshot, saveSnapshot } from './snap-file.ts';

const REAL = fileURLToPath(new URL('../../testdata/etcd-3.5.16/snap', import.meta.url));
const NAME = '0000000000000002-0000000000000015.snap';

describe('a snapshot file', () => {
  it('of etcd 3.5.16 is read, and written again byte for byte', () => {
    const disk = nodeDisk();
    const real = loadNewestSnapshot({ disk, dir: REAL });
    expect([real?.term, real?.index]).toEqual([2, 21]);
    const dir = mkdtempSync(join(tmpdir(), 'kvorum-snap-'));
    try {
      const path = saveSnapshot({
        disk,
        dir,
        term: 2,
        index: 21,
        data: real?.data ?? new Uint8Array(0),
      });
      expect(Buffer.compare(readFileSync(path), readFileSync(`${REAL}/${NAME}`))).toBe(0);
      cpSync(path, `${dir}/db`);
      expect(loadNewestSnapshot({ disk, dir })?.data).toEqual(real?.data);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('survives a crash as soon as it is saved, and is never there in part', () => {
    const disk = new SimDisk();
    disk.mkdir('snap');
    disk.syncDir('');
    const save = (index: number): string =>
      saveSnapshot({ disk, dir: 'snap', term: 1, index, data: new Uint8Array(2000).fill(index) });
    save(1);
    let seed = 0;
    disk.onBoundary = () => {
      const crashed = disk.crashClone(seed++);
      const broken: string[] = [];
      const loaded = loadNewestSnapshot({
        disk: crashed,
        dir: 'snap',
        onBroken: (file) => broken.push(file),
      });
      expect([1, 2]).toContain(loaded?.index);
      expect(loaded?.data.every((byte) => byte === loaded.index)).toBe(true);
      expect(broken).toEqual([]);
    };
    save(2);
    disk.onBoundary = null;
    expect(
      loadNewestSnapshot({ disk: disk.crashClone(1, { unsyncedKept: 0 }), dir: 'snap' })?.index,
    ).toBe(2);
  });

  it('that is damaged is set aside, and the one before is taken', () => {
    for (const [damage, reason] of [
      [(bytes: Uint8Array) => bytes.fill(1, 20, 21), 'checksum mismatch'],
      [(bytes: Uint8Array) => bytes.subarray(0, 30), 'wrong length'],
      [(bytes: Uint8Array) => bytes.subarray(0, 0), 'empty file'],
      [(bytes: Uint8Array) => bytes.fill(0, 0, 1), 'not a snapshot'],
      [(bytes: Uint8Array) => bytes.subarray(0, 3), 'not a snapshot'],
    ] as const) {
      const disk = new SimDisk();
      const options = { disk, dir: 'snap', term: 1, data: new Uint8Array(100).fill(7) };
      saveSnapshot({ ...options, index: 1 });
      const path = saveSnapshot({ ...options, index: 2 });
      const damaged = damage(disk.contentOf(path));
      const file = disk.open(path, { write: true });
      file.truncate(0);
      file.write(damaged, 0);
      const broken: string[] = [];
      const onBroken = (name: string, why: string): number => broken.push(`${name}: ${why}`);
      expect(loadNewestSnapshot({ disk, dir: 'snap', onBroken })?.index).toBe(1);
      expect(broken).toEqual([`${path}: ${reason}`]);
      expect(disk.exists(`${path}.broken`)).toBe(true);
    }
  });

  it('that is damaged stays as it is when nothing may be changed', () => {
    const disk = new SimDisk();
    const path = saveSnapshot({ disk, dir: 'snap', term: 1, index: 1, data: Uint8Array.of(1, 2) });
    disk.open(path, { write: true }).write(Uint8Array.of(0xff), 1);
    const broken: string[] = [];
    const onBroken = (name: string): number => broken.push(name);
    const options = { disk, dir: 'snap', leaveBroken: true, onBroken };
    expect(loadNewestSnapshot(options)).toBeNull();
    expect(broken).toEqual([path]);
    expect(disk.list('snap')).toEqual(['0000000000000001-0000000000000001.snap']);
  });

  it('is chosen by term and index among those that the caller accepts', () => {
    const disk = new SimDisk();
    expect(loadNewestSnapshot({ disk, dir: 'snap' })).toBeNull();
    for (const [term, index] of [
      [1, 9],
      [2, 5],
      [2, 16],
    ] as const) {
      saveSnapshot({ disk, dir: 'snap', term, index, data: Uint8Array.of(index) });
    }
    expect(loadNewestSnapshot({ disk, dir: 'snap' })?.index).toBe(16);
    expect(
      loadNewestSnapshot({ disk, dir: 'snap', accept: (term, index) => index < 16 && term > 1 })
        ?.index,
    ).toBe(5);
    expect(loadNewestSnapshot({ disk, dir: 'snap', accept: () => false })).toBeNull();
  });

  it('that cannot be saved is an error', () => {
    const disk = new SimDisk();
    disk.failNext('sync');
    try {
      saveSnapshot({ disk, dir: 'snap', term: 1, index: 1, data: Uint8Array.of(1) });
      expect.fail('it was saved');
    } catch (error) {
      expect((error as WalError).code).toBe('io');
    }
  });
});
