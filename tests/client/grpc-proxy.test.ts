import { connect } from '@kvorum/client';
import { describe, expect, it } from 'vitest';
import { startEtcd } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { RunningProgram } from '../framework/process.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { Reading } from './watching.ts';

const real = realEtcd('3.5');

describe.skipIf(real === undefined)("through etcd's own gRPC proxy, the client", () => {
  // The proxy has ids of its own for watches, and answers in an order of its own.
  it('reads, writes, watches and holds leases', async () => {
    if (real === undefined) throw new Error('there is no real etcd');
    await using etcd = await startEtcd(real);
    const [port = 0] = await freePorts(1);
    const endpoint = `127.0.0.1:${port}`;
    const args = ['grpc-proxy', 'start', `--endpoints=${etcd.url}`, `--listen-addr=${endpoint}`];
    await using _proxy = await RunningProgram.start(real.etcd, { args });
    await using client = connect({ endpoints: [endpoint] });
    await client.put('k0', 'before');
    const watches = Array.from({ length: 20 }, (_, at) => client.watch(`k${at}`));
    const readings = watches.map((watch) => new Reading(watch));
    await Promise.all(watches.map((watch) => watch.opened));
    await using lease = await client.lease(60);
    for (let at = 0; at < 20; at++) await client.put(`k${at}`, String(at), { lease });
    for (const [at, reading] of readings.entries()) {
      await reading.until(`k${at}=${at}`);
      expect(reading.texts).toEqual([`k${at}=${at}`]);
    }
    expect((await client.get('k7'))?.lease).toBe(lease.id);
    for (const watch of watches) watch.close();
  });
});
