import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kvorumProgram } from '../tests/framework/member.ts';
import { systemProgram } from '../tests/framework/real-etcd.ts';
import { figureTable, type Sample, table } from './report.ts';
import { clusterScenarios, generate, leaderOf, scenarios } from './scenarios.ts';
import { startCluster, startServer } from './servers.ts';
import { median, percentile } from './statistics.ts';

const h2load = systemProgram('h2load');
const { file: command, args } = kvorumProgram();
const kvorum = { name: 'Kvorum', command, args };

describe.skipIf(h2load === undefined)('every load', () => {
  it('runs against a member, in a small size', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvorum-bench-'));
    const server = await startServer(kvorum, folder);
    try {
      for (const scenario of scenarios) {
        const result = await scenario.run(server, 0.005);
        expect(result.operations, scenario.name).toBeGreaterThan(0);
        expect(result.perSecond, scenario.name).toBeGreaterThan(0);
        expect(result.p50Ms, scenario.name).toBeLessThanOrEqual(result.p99Ms);
      }
      const load = await generate('load-keys', server.port, 2000);
      expect(load.operations).toBe(2000);
      expect(server.cpuSeconds()).toBeGreaterThan(0);
      expect(server.rssBytes()).toBeGreaterThan(0);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});

describe.skipIf(h2load === undefined)('a load on a cluster', () => {
  it('runs on its leader and on a follower, in a small size', async () => {
    const servers = await startCluster(kvorum, 3);
    try {
      const leader = await leaderOf(servers);
      for (const server of [leader, servers.find((one) => one !== leader) ?? leader]) {
        for (const scenario of clusterScenarios) {
          const result = await scenario.run(server, 0.005);
          expect(result.perSecond, scenario.name).toBeGreaterThan(0);
        }
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }, 120_000);
});

describe('the report', () => {
  const sample = (server: string, perSecond: number): Sample => ({
    scenario: 'put',
    server,
    operations: 10,
    perSecond,
    p50Ms: 1,
    p99Ms: 2,
    p999Ms: 3,
    cpuMicrosPerOperation: 4,
    rssBytes: 5 * 1024 * 1024,
  });

  it('shows medians and their ratio', () => {
    const samples = [sample('a', 100), sample('b', 50), sample('a', 300), sample('a', 200)];
    expect(table(samples, ['a', 'b'])).toContain('| put | 200 | 50 | 4.00x | 1.00 / 1.00 |');
  });

  it('shows single figures side by side', () => {
    const figures = [{ scenario: 'open', server: 'a', value: 1234, unit: 'ms' }];
    expect(figureTable(figures, ['a', 'b'])).toContain('| open | 1,234 ms |  |');
  });

  it('knows percentiles and medians', () => {
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(3);
    expect(percentile([], 0.5)).toBeNaN();
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
