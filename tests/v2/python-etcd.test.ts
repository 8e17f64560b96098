import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestMember } from '../framework/member.ts';
import { pythonWithEtcd } from '../framework/real-etcd.ts';
import { startV2Servers, type V2Servers } from './servers.ts';

const python = pythonWithEtcd();
const script = join(import.meta.dirname, 'python_client.py');
const run = promisify(execFile);

type Results = Record<string, unknown>;

describe.skipIf(python === undefined)("Debian's python3-etcd", () => {
  let servers: V2Servers;
  let results: readonly Results[];
  beforeAll(async () => {
    servers = await startV2Servers();
    const at = async ({ url }: TestMember) => {
      const { stdout } = await run(python ?? '', [script, new URL(url).port]);
      return JSON.parse(stdout) as Results;
    };
    results = await Promise.all([servers.kvorum, ...servers.etcds].map(at));
  }, 60_000);
  afterAll(() => servers[Symbol.asyncDispose]());

  it.each([
    'writes',
    'conditions',
    'failures',
    'updates',
    'queue',
    'watches',
    'cleared_history',
    'locks',
    'cluster',
    'deletes',
  ])('finds at Kvorum what it finds at etcd: %s', (name) => {
    const [ours, ...theirs] = results;
    expect(ours?.[name]).toBeDefined();
    for (const other of theirs) expect(ours?.[name]).toEqual(other[name]);
  });

  it('locks, queues and hears what is to come', () => {
    const ours = results[0] ?? {};
    expect(ours.locks).toEqual([[true, true], false, [false, true]]);
    expect(ours.queue).toEqual([expect.any(Array), ['one', 'two', 'three']]);
    const [, heard] = ours.watches as unknown[];
    expect(heard).toEqual([
      ['set', '/watched/a', '1'],
      ['set', '/watched/b', '2'],
      ['set', '/watched/c', '3'],
      ['delete', '/watched/a', null],
      ['set', '/watched/d', 'last'],
    ]);
  });
});
