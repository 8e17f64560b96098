import { expect, it } from 'vitest';
import { kvorumProgram } from '../../tests/framework/member.ts';
import { startServer } from '../servers.ts';
import { measure, plan } from './measure.ts';
import { subjects } from './subjects.ts';

it('every load runs with both clients, for a moment', async () => {
  const { file: command, args } = kvorumProgram();
  const server = await startServer({ name: 'Kvorum', command, args });
  try {
    for (const [load] of plan) {
      for (const subject of Object.keys(subjects)) {
        const sample = await measure(server, load, 2, subject, 0.2);
        expect(sample.perSecond, `${subject}: ${load}`).toBeGreaterThan(0);
        expect(sample.cpuMicros, `${subject}: ${load}`).toBeGreaterThan(0);
      }
    }
  } finally {
    await server.stop();
  }
}, 120_000);
