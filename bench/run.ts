import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { answerOf, circumstances, save } from './publish.ts';
import { type Figure, figureTable, type Sample, table } from './report.ts';
import { clusterScenarios, generate, leaderOf, type Scenario, scenarios } from './scenarios.ts';
import { type Contender, type RunningServer, startCluster, startServer } from './servers.ts';

const usage = `Measures Kvorum beside the real etcd on this machine, in turns, with the same loads.

  pnpm bench [--rounds N] [--scale X] [--only TEXT] [--keys N] [--no-save]

  --members N  a cluster of N members on this machine: loads on its leader and on a follower (default 1)
  --rounds N   runs of each scenario per server, alternating; medians are reported (default 3)
  --scale X    share of the published number of calls (default 1)
  --only TEXT  only scenarios whose name contains TEXT
  --keys N     size of the large store; 0 leaves it out (default 1000000)
  --against V  3.5.16 or 3.4.23 (default 3.5.16)
  --transport  h2 or node-http2, for Kvorum (default: the server's)
  --no-save    print only; otherwise bench/results/ gets the table and the raw data
`;

const { values: flags } = parseArgs({
  options: {
    members: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    keys: { type: 'string', default: '1000000' },
    against: { type: 'string', default: '3.5.16' },
    transport: { type: 'string' },
    'no-save': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const root = join(import.meta.dirname, '..');
const realEtcd = join(
  process.env.KVORUM_REAL_ETCD ?? join(root, '.cache/real-etcd'),
  `${flags.against.split('.').slice(0, 2).join('.')}/etcd`,
);
const kvorum: Contender = {
  name: 'Kvorum',
  command: join(root, 'bin/kvorum'),
  args: flags.transport === undefined ? [] : ['--kvorum-transport', flags.transport],
};
const etcd: Contender = { name: `etcd ${flags.against}`, command: realEtcd, args: [] };
const names: [string, string] = [kvorum.name, etcd.name];

async function main(): Promise<number> {
  if (flags.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!existsSync(realEtcd)) {
    process.stderr.write(`no etcd at ${realEtcd}: npm run fetch-etcd\n`);
    return 1;
  }
  const members = Number(flags.members);
  const samples = members > 1 ? await measureClusters(members) : await measureLoads();
  const keys = members > 1 ? 0 : Number(flags.keys);
  const figures = keys > 0 ? await measureLargeStore(keys) : [];
  const report = [
    `# Kvorum beside etcd, ${new Date().toISOString().slice(0, 10)}`,
    circumstances('pnpm bench', [
      `file system of the data: ${answerOf('stat', '-f', '-c', '%T', tmpdir())}`,
    ]),
    'Each cell: Kvorum / etcd where there are two. CPU is that of all members together, user and system, and memory ' +
      'that of the member that has the load.',
    samples.length > 0 ? table(samples, names) : '',
    figures.length > 0 ? figureTable(figures, names) : '',
  ];
  const text = `${report.filter((part) => part !== '').join('\n\n')}\n`;
  process.stdout.write(text);
  if (!flags['no-save']) save(join(import.meta.dirname, 'results'), text, { samples, figures });
  return 0;
}

/** Every scenario on both servers in turn, so that what disturbs the machine disturbs both. */
async function measureLoads(): Promise<Sample[]> {
  const wanted = scenarios.filter(({ name }) => name.includes(flags.only));
  const samples: Sample[] = [];
  for (let round = 1; round <= Number(flags.rounds); round++) {
    const order = round % 2 === 1 ? [kvorum, etcd] : [etcd, kvorum];
    for (const contender of order) {
      const server = await startServer(contender);
      try {
        await warmUp(server);
        for (const scenario of wanted) {
          samples.push(await measure(round, [server], server, scenario.name, scenario));
        }
      } finally {
        await server.stop();
      }
    }
  }
  return samples;
}

/** The same on clusters: every load on the leader, and then on a follower. */
async function measureClusters(size: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let round = 1; round <= Number(flags.rounds); round++) {
    const order = round % 2 === 1 ? [kvorum, etcd] : [etcd, kvorum];
    for (const contender of order) {
      const servers = await startCluster(contender, size);
      try {
        for (const server of servers) await warmUp(server);
        const leader = await leaderOf(servers);
        const follower = servers.find((server) => server !== leader) ?? leader;
        for (const [role, server] of [
          ['leader', leader],
          ['follower', follower],
        ] as const) {
          for (const scenario of clusterScenarios) {
            const name = `${scenario.name}, on the ${role}`;
            if (!name.includes(flags.only)) continue;
            samples.push(await measure(round, servers, server, name, scenario));
          }
        }
        if ((await leaderOf(servers)) !== leader) throw new Error('the leader has changed');
      } finally {
        await Promise.all(servers.map((server) => server.stop()));
      }
    }
  }
  return samples;
}

/** Runs a load on one server, and counts what all of its cluster used. */
async function measure(
  round: number,
  cluster: readonly RunningServer[],
  server: RunningServer,
  name: string,
  scenario: Scenario,
): Promise<Sample> {
  const cpuSeconds = () => cluster.reduce((sum, member) => sum + member.cpuSeconds(), 0);
  const cpuBefore = cpuSeconds();
  const result = await scenario.run(server, Number(flags.scale));
  const cpu = cpuSeconds() - cpuBefore;
  process.stderr.write(
    `round ${round}: ${server.name}: ${name}: ${Math.round(result.perSecond)}/s\n`,
  );
  return {
    ...result,
    scenario: name,
    server: server.name,
    cpuMicrosPerOperation: (cpu * 1e6) / result.operations,
    rssBytes: server.rssBytes(),
  };
}

/** Compilers and caches are warm in a server that has run for a minute; so both are warmed before the first figure. */
async function warmUp(server: RunningServer): Promise<void> {
  for (const scenario of scenarios.slice(0, 5)) await scenario.run(server, 0.1);
}

/** Loads many keys, then opens what was written again. */
async function measureLargeStore(keys: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const contender of [kvorum, etcd]) {
    const add = (scenario: string, value: number, unit: string) =>
      figures.push({
        scenario: `${keys.toLocaleString('en')} keys: ${scenario}`,
        server: contender.name,
        value,
        unit,
      });
    const server = await startServer(contender);
    const load = await generate('load-keys', server.port, keys);
    add('load rate', Math.round(load.perSecond), 'puts/s');
    add('RSS after loading', Math.round(server.rssBytes() / 1e6), 'MB');
    await server.stop({ keepData: true });
    const start = performance.now();
    const reopened = await startServer(contender, server.dataDir);
    add('time to open, with the start of the process', Math.round(performance.now() - start), 'ms');
    add('RSS after opening', Math.round(reopened.rssBytes() / 1e6), 'MB');
    await reopened.stop();
  }
  return figures;
}

process.exit(await main());
