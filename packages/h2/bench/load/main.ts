/**
 * The generator for the loads that h2load would be the bottleneck of: `main.ts PORT`. Each question is a
 * load to run; the answer says how many calls were made and how long they took.
 */
import { serveParent } from '../child.ts';
import { framed, messageOf, paths, prefixBytes } from '../echo-contract.ts';
import type { Method } from '../plan.ts';
import { RawConnection } from './raw-connection.ts';

export interface RawLoad {
  readonly method: Method;
  readonly messageBytes: number;
  /** Messages of each answer. */
  readonly messages: number;
  readonly connections: number;
  /** Calls at any time on each. */
  readonly streams: number;
  /** No call begins after so long. */
  readonly seconds: number;
}

export interface LoadDone {
  readonly calls: number;
  readonly seconds: number;
}

const port = Number(process.argv[2]);

async function run(load: RawLoad): Promise<LoadDone> {
  const { method, messageBytes, messages, connections, streams, seconds } = load;
  const call = {
    path: paths[method],
    body: framed(messageOf(messageBytes)),
    answerBytes: (prefixBytes + messageBytes) * messages,
  };
  const startedAt = performance.now();
  let calls = 0;
  let running = connections * streams;
  const all: RawConnection[] = [];
  await new Promise<void>((resolve) => {
    const onAnswered = (): boolean => {
      calls += 1;
      if (performance.now() - startedAt < seconds * 1000) return true;
      running -= 1;
      if (running === 0) resolve();
      return false;
    };
    for (let i = 0; i < connections; i++) {
      const connection = new RawConnection(port, call, onAnswered);
      all.push(connection);
      for (let j = 0; j < streams; j++) connection.begin();
    }
  });
  for (const connection of all) connection.close();
  return { calls, seconds: (performance.now() - startedAt) / 1000 };
}

serveParent<RawLoad>({}, run);
