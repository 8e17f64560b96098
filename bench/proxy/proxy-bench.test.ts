import { describe, expect, it } from 'vitest';
import { kvorumProgram } from '../../tests/framework/member.ts';
import { systemProgram } from '../../tests/framework/real-etcd.ts';
import { startServer } from '../servers.ts';
import { measureWay, proxyLoads } from './measure.ts';
import { startWay } from './ways.ts';

const h2load = systemProgram('h2load');

describe.skipIf(h2load === undefined)('every load through a proxy', () => {
  it('runs, in a small size', async () => {
    const { file: command, args } = kvorumProgram();
    const kvorum = { name: 'kvorum', command, args };
    const member = await startServer(kvorum);
    const way = await startWay(kvorum, 'grpc-proxy', member);
    try {
      for (const load of proxyLoads) {
        const sample = await measureWay(load, way, member, 0.005);
        expect(sample.perSecond, load.name).toBeGreaterThan(0);
      }
      expect(way.cpuSeconds()).toBeGreaterThan(0);
    } finally {
      await way.stop();
      await member.stop();
    }
  }, 120_000);
});
