import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildConfig } from './build-config.ts';
import { parseCommandLine } from './command-line.ts';
import { verifyFounding } from './founding.ts';

describe('verifyFounding', () => {
  let dataDir = '';
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'kvorum-founding-'));
  });
  afterEach(() => {
    rmSync(dataDir, { recursive: true });
  });

  function verify(...args: string[]): void {
    const foreign = ['--initial-cluster=other=http://localhost:2380', `--data-dir=${dataDir}`];
    const { values } = parseCommandLine([...foreign, ...args]);
    verifyFounding(buildConfig(values, { defaultHost: undefined, fromFile: false }));
  }

  it('checks the initial cluster of a new member', () => {
    expect(() => verify()).toThrow("couldn't find local name");
  });

  it('ignores outdated flags once there is a log', () => {
    mkdirSync(join(dataDir, 'member', 'wal'), { recursive: true });
    expect(() => verify()).not.toThrow();
  });

  it('looks for the log where --wal-dir says', () => {
    mkdirSync(join(dataDir, 'elsewhere'));
    expect(() => verify(`--wal-dir=${join(dataDir, 'elsewhere')}`)).not.toThrow();
    expect(() => verify(`--wal-dir=${join(dataDir, 'missing')}`)).toThrow();
  });
});
