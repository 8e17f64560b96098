import net from 'node:net';
import { GrpcClient, nodeClock } from '../../src/index.ts';
import { answerParent } from './answering.ts';
import { type Latencies, latenciesOf, type TimedCall } from './latencies.ts';

/* The honest client: calls at a fixed rate, whether or not those before have come back. */

const callsPerSecond = 1000;
const connections = 4;
const callTimeoutMs = 5000;
const request = Buffer.alloc(256, 0x61);
const clients: GrpcClient[] = [];

function connect(port: number): void {
  if (clients.length > 0) return;
  for (let i = 0; i < connections; i++) {
    clients.push(
      new GrpcClient({
        dial: async () => net.connect(port, '127.0.0.1'),
        authority: 'bench',
        clock: nodeClock,
        random: Math.random,
      }),
    );
  }
}

async function measure(port: number, seconds: number): Promise<Latencies> {
  connect(port);
  const total = Math.round(seconds * callsPerSecond);
  const done: TimedCall[] = [];
  const running: Promise<void>[] = [];
  let failures = 0;
  const beganAtMs = performance.now();
  const make = async (dueMs: number, client: GrpcClient): Promise<void> => {
    const madeMs = performance.now() - beganAtMs;
    try {
      const reply = await client.unary('/test.Echo/Unary', request, { timeoutMs: callTimeoutMs });
      if (reply.length !== request.length) throw new Error('a reply of another length');
    } catch {
      failures += 1;
    }
    done.push({ dueMs, madeMs, doneMs: performance.now() - beganAtMs });
  };
  await new Promise<void>((resolve) => {
    const tick = (): void => {
      const nowMs = performance.now() - beganAtMs;
      while (running.length < total && (running.length * 1000) / callsPerSecond <= nowMs) {
        const client = clients[running.length % connections] as GrpcClient;
        running.push(make((running.length * 1000) / callsPerSecond, client));
      }
      if (running.length < total) setTimeout(tick, 1);
      else resolve();
    };
    tick();
  });
  await Promise.all(running);
  return latenciesOf(done, failures);
}

answerParent((message) => {
  if (message.ask !== 'measure') throw new Error(`the client does not ${message.ask}`);
  return measure(message.port, message.seconds);
});
