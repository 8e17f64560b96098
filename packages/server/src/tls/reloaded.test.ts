import { describe, expect, it } from 'vitest';
import { Reloaded } from './reloaded.ts';
import type { TlsFiles } from './tls-files.ts';

/** Files in memory, and something made of two of them that fit together when they are equal. */
class Harness {
  readonly contents = new Map([
    ['cert', 'a'],
    ['key', 'a'],
  ]);
  readonly told: string[] = [];
  made = 0;
  readonly reloaded: Reloaded<string>;

  constructor() {
    const files: Pick<TlsFiles, 'read'> = {
      read: (path) => {
        const content = this.contents.get(path);
        if (content === undefined) throw new Error(`no ${path}`);
        return Buffer.from(content);
      },
    };
    this.reloaded = new Reloaded({
      files: files as TlsFiles,
      paths: ['cert', 'key'],
      make: ([cert, key]) => {
        this.made += 1;
        if (String(cert) !== String(key)) throw new Error(`${cert} is not ${key}`);
        return `made of ${cert}`;
      },
      onReload: (value) => this.told.push(value),
      onFailure: (error) => this.told.push(String(error)),
    });
  }
}

describe('something made of files', () => {
  it('is made once, and again when one has changed', () => {
    const harness = new Harness();
    expect([harness.reloaded.get(), harness.reloaded.get(), harness.made]).toEqual([
      'made of a',
      'made of a',
      1,
    ]);
    harness.contents.set('cert', 'b').set('key', 'b');
    expect(harness.reloaded.get()).toBe('made of b');
    expect(harness.told).toEqual(['made of b']);
  });

  it('stays as it was while they do not fit, which is told once', () => {
    const harness = new Harness();
    harness.contents.set('key', 'b');
    expect([harness.reloaded.get(), harness.reloaded.get()]).toEqual(['made of a', 'made of a']);
    harness.contents.delete('cert');
    expect(harness.reloaded.get()).toBe('made of a');
    harness.contents.set('cert', 'b');
    expect(harness.reloaded.get()).toBe('made of b');
    expect(harness.told).toEqual(['Error: a is not b', 'Error: no cert', 'made of b']);
  });

  it('can not be made of what is not there', () => {
    const harness = new Harness();
    harness.contents.delete('cert');
    expect(harness.reloaded.get()).toBe('made of a');
    const empty = { read: () => Buffer.alloc(0) } as unknown as TlsFiles;
    const make = () => {
      throw new Error('nothing in it');
    };
    const told = { onReload: () => {}, onFailure: () => {} };
    expect(() => new Reloaded({ files: empty, paths: ['cert'], make, ...told })).toThrow(
      'nothing in it',
    );
  });
});
