import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, save } from '../publish.ts';
import { startServer } from '../servers.ts';
import { median } from '../statistics.ts';
import { measureWay, proxyLoads, type WaySample } from './measure.ts';
import { directWay, type ProxyProgram, startWay, type Way } from './ways.ts';

const usage = `Measures puts and ranges through proxies, beside the way without one.

  pnpm bench:proxy [--rounds N] [--scale X] [--only TEXT] [--save]

  --rounds N   runs of each load by each way, in turns; medians are reported (default 3)
  --scale X    share of the calls of pnpm bench (default 0.25)
  --only TEXT  only loads whose name contains TEXT
  --save       write bench/proxy/results/, as well as print
`;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '0.25' },
    only: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const root = join(import.meta.dirname, '../..');
const realFolder = process.env.KVORUM_REAL_ETCD ?? join(root, '.cache/real-etcd');
const kvorum: ProxyProgram = { name: 'kvorum', command: join(root, 'bin/kvorum'), args: [] };
const etcd: ProxyProgram = { name: 'etcd', command: join(realFolder, '3.5/etcd'), args: [] };

async function main(): Promise<void> {
  if (flags.help) {
    process.stdout.write(usage);
    return;
  }
  const member = await startServer({ ...kvorum, name: 'Kvorum' });
  const programs = existsSync(etcd.command) ? [kvorum, etcd] : [kvorum];
  const ways: Way[] = [directWay(member)];
  const samples: WaySample[] = [];
  try {
    for (const kind of ['gateway', 'grpc-proxy'] as const) {
      for (const program of programs) ways.push(await startWay(program, kind, member));
    }
    const loads = proxyLoads.filter(({ name }) => name.includes(flags.only));
    for (let round = 0; round < Number(flags.rounds); round++) {
      for (const load of loads) {
        for (const way of ways) {
          const sample = await measureWay(load, way, member, Number(flags.scale));
          const rate = `${Math.round(sample.perSecond)}/s`;
          process.stderr.write(`round ${round + 1}: ${load.name}, ${way.name}: ${rate}\n`);
          // The first round is to warm up, where there are others.
          if (round > 0 || flags.rounds === '1') samples.push(sample);
        }
      }
    }
  } finally {
    for (const way of ways) await way.stop();
    await member.stop();
  }
  const text = [
    `# Ways to a member of Kvorum, ${new Date().toISOString().slice(0, 10)}`,
    circumstances('pnpm bench:proxy', ['member: Kvorum, alone in its cluster']),
    'Medians. CPU is user and system time of the proxy alone. Proxy, member and load share the cores.',
    `${table(samples)}\n`,
  ].join('\n\n');
  process.stdout.write(text);
  if (flags.save) save(join(import.meta.dirname, 'results'), text, samples);
}

function table(samples: readonly WaySample[]): string {
  const lines = [
    '| load | way | calls/s | of direct | p50 ms | p99 ms | proxy CPU us per call |',
    '|---|---|---:|---:|---:|---:|---:|',
  ];
  for (const load of new Set(samples.map((sample) => sample.load))) {
    const those = samples.filter((sample) => sample.load === load);
    const of = (way: string, pick: (sample: WaySample) => number) =>
      median(those.filter((sample) => sample.way === way).map(pick));
    const direct = of('direct', (sample) => sample.perSecond);
    for (const way of new Set(those.map((sample) => sample.way))) {
      const rate = of(way, (sample) => sample.perSecond);
      const cells = [
        load,
        way,
        Math.round(rate),
        `${(rate / direct).toFixed(2)}x`,
        of(way, (sample) => sample.p50Ms).toFixed(2),
        of(way, (sample) => sample.p99Ms).toFixed(2),
        way === 'direct' ? '-' : of(way, (sample) => sample.cpuMicros).toFixed(0),
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return lines.join('\n');
}

await main();
