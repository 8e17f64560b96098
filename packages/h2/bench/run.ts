import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureClient, measureServer } from './measure.ts';
import { clientLoads, serverLoads, subjects } from './plan.ts';
import { type Sample, tables } from './report.ts';

const usage = `Measures this package beside node:http2, @grpc/grpc-js and connect-node: CPU per call.

  pnpm --filter @kvorum/h2 bench [--rounds N] [--seconds S] [--only TEXT] [--subject NAME] [--save]

  --rounds N      runs of each load and subject, in turns; medians are reported (default 3)
  --seconds S     length of a run, after warming up for as long (default 3)
  --only TEXT     only loads whose name contains TEXT
  --subject NAME  only one of ${subjects.join(', ')}
  --save          write bench/results/, as well as print
`;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    subject: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main(): Promise<void> {
  if (flags.help) {
    process.stdout.write(usage);
    return;
  }
  const samples = await measureAll();
  const text = [
    `# @kvorum/h2 beside others, ${new Date().toISOString().slice(0, 10)}`,
    machine(),
    `Medians of ${flags.rounds} rounds. CPU is user and system time of the process under test alone: ` +
      'of the server, or of the client where the load says so (all clients call the same server, ours).',
    `${tables(samples)}\n`,
  ].join('\n\n');
  process.stdout.write(text);
  if (flags.save) save(text, samples);
}

/** Subjects take turns within each round, so that what disturbs the machine disturbs all. */
async function measureAll(): Promise<Sample[]> {
  const seconds = Number(flags.seconds);
  const duration = { seconds, warmUpSeconds: seconds };
  const wanted = subjects.filter((subject) => flags.subject === '' || subject === flags.subject);
  const samples: Sample[] = [];
  const add = (sample: Sample): void => {
    const micros = ((sample.cpuSeconds * 1e6) / sample.operations).toFixed(2);
    process.stderr.write(`${sample.load}: ${sample.subject}: ${micros} us\n`);
    samples.push(sample);
  };
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const load of serverLoads.filter(({ name }) => name.includes(flags.only))) {
      for (const subject of wanted) add(await measureServer(subject, load, duration));
    }
    for (const load of clientLoads.filter(({ name }) => name.includes(flags.only))) {
      for (const subject of wanted) add(await measureClient(subject, load, duration));
    }
  }
  return samples;
}

function machine(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  }).trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `- machine: ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, ${memory} GiB, Linux ${release()}`,
    `- Node ${process.version}; commit ${commit}`,
    `- command: pnpm --filter @kvorum/h2 bench ${process.argv.slice(2).join(' ')}`,
  ].join('\n');
}

function save(text: string, samples: readonly Sample[]): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const name = new Date().toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-');
  writeFileSync(join(folder, `${name}.md`), text);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(samples, null, 2)}\n`);
}

await main();
