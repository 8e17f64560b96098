import { parseArgs } from 'node:util';
import { percentile } from '../statistics.ts';
import { type ClientSubject, subjects } from './subjects.ts';

// One client at one load, in a process of its own: node load.ts --subject S --load L --in-flight N --seconds T
// --endpoint E. Writes a line `ready`, and when it has measured a line of JSON. For the load "watch", others write, and
// N is the number of watchers.

const { values: flags } = parseArgs({
  options: {
    subject: { type: 'string', default: '' },
    load: { type: 'string', default: '' },
    'in-flight': { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3' },
    endpoint: { type: 'string', default: '' },
  },
});

const value = Buffer.alloc(256, 'x');
const smallValue = Buffer.alloc(16, 'x');

/** What one call of each load is; made once, with all that it needs. */
const loads: Readonly<Record<string, (client: ClientSubject) => Promise<() => Promise<unknown>>>> =
  {
    put: async (client) => {
      let turn = 0;
      return () => client.put(`bench/put/${turn++ % 1000}`, value);
    },
    get: async (client) => {
      await client.put('bench/get', value);
      return () => client.get('bench/get');
    },
    txn: async (client) => {
      await client.put('bench/txn', value);
      return () => client.txn('bench/txn', value, value);
    },
    'lease keep-alive': async (client) => {
      const lease = await client.lease(600);
      return () => client.keepAlive(lease);
    },
    'range of 10,000 keys': async (client) => {
      const keys = Array.from({ length: 10_000 }, (_, at) => `bench/range/${at}`);
      for (let at = 0; at < keys.length; at += 100) {
        await Promise.all(keys.slice(at, at + 100).map((key) => client.put(key, smallValue)));
      }
      return async () => {
        const count = await client.list('bench/range/');
        if (count !== keys.length) throw new Error(`${count} keys of ${keys.length}`);
      };
    },
  };

const client = subjects[flags.subject]?.(flags.endpoint);
if (client === undefined) throw new Error(`no client ${flags.subject}`);
const seconds = Number(flags.seconds);
const result = flags.load === 'watch' ? await watch(client) : await calls(client);
process.stdout.write(`${JSON.stringify(result)}\n`);
client.close();
process.exit(0);

/** So many calls in flight all the time: first to warm up, then to measure. */
async function calls(subject: ClientSubject): Promise<object> {
  const call = await loads[flags.load]?.(subject);
  if (call === undefined) throw new Error(`no load ${flags.load}`);
  process.stdout.write('ready\n');
  await run(call, seconds);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const latencies = await run(call, seconds);
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  return figures(latencies.length, elapsedSeconds, process.cpuUsage(cpu), latencies);
}

async function run(call: () => Promise<unknown>, forSeconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const endMs = performance.now() + forSeconds * 1000;
  const lane = async () => {
    for (let now = performance.now(); now < endMs; ) {
      await call();
      const done = performance.now();
      latencies.push(done - now);
      now = done;
    }
  };
  await Promise.all(Array.from({ length: Number(flags['in-flight']) }, lane));
  return latencies;
}

/** Events as they come, while others write. */
async function watch(subject: ClientSubject): Promise<object> {
  let events = 0;
  const onEvent = () => {
    events++;
  };
  const watchers = Array.from({ length: Number(flags['in-flight']) });
  await Promise.all(watchers.map(() => subject.watch('bench/watch/', onEvent)));
  process.stdout.write('ready\n');
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const [before, cpu, startMs] = [events, process.cpuUsage(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  return figures(events - before, elapsedSeconds, process.cpuUsage(cpu), []);
}

function figures(
  operations: number,
  elapsedSeconds: number,
  { user, system }: NodeJS.CpuUsage,
  latencies: number[],
): object {
  const sorted = latencies.sort((a, b) => a - b);
  return {
    operations,
    perSecond: operations / elapsedSeconds,
    cpuMicros: (user + system) / operations,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}
