import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, save } from '../publish.ts';
import { startServer } from '../servers.ts';
import { median } from '../statistics.ts';
import { measure, plan, type Sample } from './measure.ts';
import { subjects } from './subjects.ts';

const usage = `Measures @kvorum/client beside npm etcd3, on the same server in one run.

  pnpm bench:client [--rounds N] [--seconds S] [--only TEXT] [--server etcd|kvorum] [--save]

  --rounds N    runs of each load and client, in turns; medians are reported (default 3)
  --seconds S   length of a run, after warming up for as long (default 3)
  --only TEXT   only loads whose name contains TEXT
  --server S    kvorum, or the real etcd (default kvorum)
  --save        write bench/client/results/, as well as print
`;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    server: { type: 'string', default: 'kvorum' },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const root = join(import.meta.dirname, '../..');
async function main(): Promise<void> {
  if (flags.help) {
    process.stdout.write(usage);
    return;
  }
  const real = process.env.KVORUM_REAL_ETCD ?? join(root, '.cache/real-etcd');
  const command = flags.server === 'etcd' ? join(real, '3.5/etcd') : join(root, 'bin/kvorum');
  const server = await startServer({ name: flags.server, command, args: [] });
  const seconds = Number(flags.seconds);
  const samples: Sample[] = [];
  try {
    for (let round = 1; round <= Number(flags.rounds); round++) {
      for (const [load, counts] of plan) {
        if (!load.includes(flags.only)) continue;
        for (const inFlight of counts) {
          for (const subject of Object.keys(subjects)) {
            const sample = await measure(server, load, inFlight, subject, seconds);
            const rate = `${Math.round(sample.perSecond)}/s, ${sample.cpuMicros.toFixed(1)} us`;
            process.stderr.write(`round ${round}: ${subject}: ${load} x ${inFlight}: ${rate}\n`);
            samples.push(sample);
          }
        }
      }
    }
  } finally {
    await server.stop();
  }
  const text = [
    `# @kvorum/client beside etcd3 1.1.2, ${new Date().toISOString().slice(0, 10)}`,
    circumstances('pnpm bench:client', [`server: ${flags.server}`]),
    'Each cell: @kvorum/client / etcd3, medians. CPU is user and system time of the client alone.',
    `${table(samples)}\n`,
  ].join('\n\n');
  process.stdout.write(text);
  if (flags.save) save(join(import.meta.dirname, 'results'), text, samples);
}

function table(samples: readonly Sample[]): string {
  const lines = [
    '| load | in flight | calls/s | ratio | CPU us per call | ratio | p50 ms | p99 ms |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const [load, counts] of plan) {
    for (const inFlight of counts) {
      const of = (subject: string, pick: (sample: Sample) => number) =>
        median(
          samples
            .filter((s) => s.load === load && s.inFlight === inFlight && s.subject === subject)
            .map(pick),
        );
      const both = (pick: (sample: Sample) => number) =>
        [of('kvorum', pick), of('etcd3', pick)] as const;
      const rates = both((s) => s.perSecond);
      if (Number.isNaN(rates[0])) continue;
      const cpu = both((s) => s.cpuMicros);
      const show = (values: readonly number[], digits: number) =>
        values.map((one) => (Number.isFinite(one) ? one.toFixed(digits) : '-')).join(' / ');
      const cells = [
        load,
        inFlight,
        show(rates, rates[0] < 1000 ? 1 : 0),
        `${(rates[0] / rates[1]).toFixed(2)}x`,
        show(cpu, 1),
        `${(cpu[0] / cpu[1]).toFixed(2)}x`,
        show(
          both((s) => s.p50Ms),
          2,
        ),
        show(
          both((s) => s.p99Ms),
          2,
        ),
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return lines.join('\n');
}

await main();
