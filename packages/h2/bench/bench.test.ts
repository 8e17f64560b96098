import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcClient, nodeClock } from '../src/index.ts';
import { messageOf, streamPath, ticksPath, unaryPath } from './echo-contract.ts';
import { type RunningServer, runClient, runLoad, startServer } from './measure.ts';
import { clientLoads, messagesPerStream, serverLoads, subjects } from './plan.ts';
import { type Sample, summarize, tables } from './report.ts';

const tiny = { warmUpSeconds: 0.01, seconds: 0.02 };
const hasH2load = isInstalled('h2load');

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.each(subjects)('%s', (subject) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(subject);
  });
  afterAll(() => server.child.stop());

  it('answers as it should, or its figures would mean nothing', async () => {
    const client = new GrpcClient({
      dial: async () => net.connect(server.port, '127.0.0.1'),
      authority: `127.0.0.1:${server.port}`,
      clock: nodeClock,
      random: () => 0.5,
    });
    for (const bytes of [0, 256, 65_536, 1 << 20]) {
      const message = messageOf(bytes);
      const reply = await client.unary(unaryPath, message);
      expect(Buffer.compare(reply, message)).toBe(0);
    }
    const message = messageOf(256);
    for (const path of [streamPath, ticksPath]) {
      const replies: Uint8Array[] = [];
      const status = await new Promise((resolve) => {
        const onMessage = (reply: Uint8Array) => replies.push(reply);
        const call = client.stream(path, { onMessage, onEnd: resolve });
        call.send(message);
        call.halfClose();
      });
      expect(status).toMatchObject({ status: 0 });
      expect(replies).toHaveLength(messagesPerStream);
      expect(replies.every((reply) => message.equals(reply))).toBe(true);
    }
    client.close();
  });

  it('runs under every load, in a small size', async () => {
    for (const load of serverLoads) {
      const generator = hasH2load ? load.generator : 'lean';
      const small = { ...load, generator, connections: 2, streams: 2 } as const;
      const sample = await runLoad(subject, server, small, tiny);
      expect(sample.operations, load.name).toBeGreaterThan(0);
      expect(sample.cpuSeconds, load.name).toBeGreaterThan(0);
      expect(sample.rssBytes, load.name).toBeGreaterThan(0);
    }
  });
});

describe('every client', () => {
  it('runs under every load, in a small size', async () => {
    const server = await startServer('kvorum');
    const runs = subjects.map(async (subject) => {
      for (const load of clientLoads) {
        const sample = await runClient(subject, server.port, load, tiny);
        expect(sample.operations, `${subject}: ${load.name}`).toBeGreaterThan(0);
        expect(sample.cpuSeconds, `${subject}: ${load.name}`).toBeGreaterThan(0);
      }
    });
    await Promise.all(runs);
    await server.child.stop();
  });
});

describe('the report', () => {
  const sample: Sample = {
    subject: 'kvorum',
    load: 'unary',
    unit: 'calls',
    operations: 1000,
    bytesPerOperation: 2000,
    seconds: 2,
    cpuSeconds: 1,
    rssBytes: 3 * 2 ** 20,
  };

  it('takes the medians of the rounds', () => {
    const summary = summarize([sample, { ...sample, cpuSeconds: 100 }, { ...sample, seconds: 4 }]);
    expect(summary).toEqual({
      perSecond: 500,
      perCpuSecond: 1000,
      cpuMicrosPerOperation: 1000,
      megabytesPerSecond: 1,
      megabytesPerCpuSecond: 2,
      rssMebibytes: 3,
    });
  });

  it('says how far the first is ahead', () => {
    const text = tables([sample, { ...sample, subject: 'other', cpuSeconds: 4 }]);
    expect(text.split('\n').slice(4)).toEqual([
      '| kvorum | 1,000 | 1000.00 | 500 | 2 | 1 | 3 | 1.00x |',
      '| other | 250 | 4000.00 | 500 | 1 | 1 | 3 | 4.00x |',
    ]);
  });
});
