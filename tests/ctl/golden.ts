import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdProgram, kvorumProgram, type ServerProgram, TestMember } from '../framework/member.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { type DifferenceName, differences, everywhere } from './differences.ts';
import { type ProgramResult, runKvctl } from './in-process.ts';

/** One command line of a golden table. */
export interface GoldenStep {
  /** A text is cut at its spaces. `{name}` stands for what an earlier step captured. */
  readonly args: string | readonly string[];
  /** All of standard input. Default: nothing. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Differences from etcdctl that this step meets (`differences.ts`). */
  readonly differs?: readonly DifferenceName[];
  /** Patterns for the standard output, whose first group later steps may use by its name here. */
  readonly capture?: Readonly<Record<string, RegExp>>;
  /** Lines of the standard output stand in the order of ids, and so in another one each time. */
  readonly isUnordered?: boolean;
  /** More to mask than ids and times, in both outputs. */
  readonly mask?: RegExp;
}

/** What the steps of a table are run against. */
export interface GoldenServer extends AsyncDisposable {
  /** Given as ETCDCTL_ENDPOINTS. */
  readonly endpoint: string;
  /** What steps may use as `{name}`, besides what they capture. */
  readonly names?: Readonly<Record<string, string>>;
}

export interface GoldenOptions {
  readonly servers?: readonly ('etcd' | 'kvorum')[];
  /** Default: a member of its own. */
  readonly start?: (program: ServerProgram) => Promise<GoldenServer>;
}

function startMember(program: ServerProgram): Promise<GoldenServer> {
  return TestMember.start(program, {});
}

/** What runs the steps: the real etcdctl, or kvctl in this process. */
type Runner = (step: ResolvedStep) => Promise<ProgramResult>;

interface ResolvedStep {
  readonly args: readonly string[];
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
}

const LIFETIME_MS = 30_000;

/**
 * Declares the tests of a table: its steps are run with the real etcdctl and with kvctl, each against a fresh server of
 * its own, and must do the same: standard output, standard error, exit code. Once where both servers are the
 * real etcd, once where both are Kvorum. Servers are started once a call, so let one file have one table, or few.
 */
export function golden(
  name: string,
  steps: readonly (string | readonly string[] | GoldenStep)[],
  options: GoldenOptions = {},
): void {
  const begin = options.start ?? startMember;
  const real = realEtcd('3.5');
  describe.skipIf(real === undefined).each(options.servers ?? ['etcd', 'kvorum'])(
    `${name}, on two of %s`,
    (kind) => {
      let servers: readonly GoldenServer[] = [];
      beforeAll(async () => {
        if (real === undefined) return;
        const program = kind === 'etcd' ? etcdProgram(real) : kvorumProgram();
        servers = await Promise.all([begin(program), begin(program)]);
      }, 60_000);
      afterAll(async () => {
        await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
      });

      it('kvctl does as etcdctl does', async () => {
        const [forEtcdctl, forKvctl] = servers;
        if (real === undefined || forEtcdctl === undefined || forKvctl === undefined) return;
        const table = steps.map(stepOf);
        const [theirs, ours] = await Promise.all([
          transcript(table, etcdctlRunner(real), forEtcdctl),
          transcript(table, runKvctl, forKvctl),
        ]);
        expect(ours).toEqual(theirs);
      });
    },
  );
}

/** What stands between clients and a member. */
export type StartProxy = (endpoint: string) => Promise<GoldenServer>;

/**
 * Declares the tests of a table that is run at a member by the real etcdctl, and through a proxy before another member
 * by etcdctl and by kvctl: all three must do the same. Once where the members are the real etcd, once where they are
 * Kvorum.
 */
export function goldenThrough(
  name: string,
  steps: readonly (string | readonly string[] | GoldenStep)[],
  startProxy: StartProxy,
): void {
  const real = realEtcd('3.5');
  describe.skipIf(real === undefined).each(['etcd', 'kvorum'])(`${name}, before %s`, (kind) => {
    const open: AsyncDisposable[] = [];
    let places: readonly GoldenServer[] = [];
    beforeAll(async () => {
      if (real === undefined) return;
      const program = kind === 'etcd' ? etcdProgram(real) : kvorumProgram();
      const members = await Promise.all([0, 1, 2].map(() => TestMember.start(program, {})));
      open.push(...members);
      const [direct, ...others] = members;
      const proxies = await Promise.all(others.map(({ endpoint }) => startProxy(endpoint)));
      open.push(...proxies);
      places = direct === undefined ? [] : [direct, ...proxies];
    }, 60_000);
    afterAll(async () => {
      for (const one of open.reverse()) await one[Symbol.asyncDispose]();
    });

    it('commands do as at the member itself', async () => {
      const [direct, forEtcdctl, forKvctl] = places;
      if (real === undefined || forEtcdctl === undefined || forKvctl === undefined) return;
      if (direct === undefined) return;
      const table = steps.map(stepOf);
      const [expected, byEtcdctl, byKvctl] = await Promise.all([
        transcript(table, etcdctlRunner(real), direct),
        transcript(table, etcdctlRunner(real), forEtcdctl),
        transcript(table, runKvctl, forKvctl),
      ]);
      expect(byEtcdctl).toEqual(expected);
      expect(byKvctl).toEqual(expected);
    });
  });
}

/**
 * Declares the test of a table that one program runs at a real etcd and at Kvorum, which must make no difference to it:
 * standard output, standard error, exit code.
 */
export function goldenServers(
  name: string,
  steps: readonly (string | readonly string[] | GoldenStep)[],
  {
    release,
    start,
  }: { release: '3.4' | '3.5'; start: (program: ServerProgram) => Promise<GoldenServer> },
): void {
  const real = realEtcd(release);
  describe.skipIf(real === undefined)(`${name}, with etcdctl ${release}`, () => {
    it('Kvorum does as etcd does', async () => {
      if (real === undefined) return;
      const table = steps.map(stepOf);
      const at = async (program: ServerProgram) => {
        await using server = await start(program);
        return await transcript(table, etcdctlRunner(real), server);
      };
      const [theirs, ours] = await Promise.all([at(etcdProgram(real)), at(kvorumProgram())]);
      expect(ours).toEqual(theirs);
    });
  });
}

function stepOf(step: string | readonly string[] | GoldenStep): GoldenStep {
  return typeof step === 'string' || Array.isArray(step)
    ? { args: step as string | readonly string[] }
    : (step as GoldenStep);
}

/** What every step of a table did, masked. */
async function transcript(
  table: readonly GoldenStep[],
  run: Runner,
  { endpoint, names = {} }: GoldenServer,
): Promise<object[]> {
  const captured = new Map(Object.entries(names));
  const lines: object[] = [];
  for (const step of table) {
    const words = typeof step.args === 'string' ? step.args.split(' ') : step.args;
    const fill = (text: string) =>
      text.replace(/\{(\w+)\}/g, (whole, name: string) => captured.get(name) ?? whole);
    const filled = (env: GoldenStep['env'] = {}) => {
      return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]));
    };
    const result = await run({
      args: words.map(fill),
      input: fill(step.input ?? ''),
      env: { PATH: process.env.PATH ?? '', ETCDCTL_ENDPOINTS: endpoint, ...filled(step.env) },
    });
    for (const [name, pattern] of Object.entries(step.capture ?? {})) {
      captured.set(name, pattern.exec(result.stdout)?.[1] ?? `${name} was not printed`);
    }
    lines.push({ step: words.join(' '), ...masked(result, step, endpoint) });
  }
  return lines;
}

function masked(result: ProgramResult, step: GoldenStep, endpoint: string): object {
  const names = [...everywhere, ...(step.differs ?? [])];
  const { exitCode, stdout, stderr } = names.reduce<ProgramResult>(
    (before, name) => differences[name].normalize(before),
    result,
  );
  const mask = (text: string) => {
    const plain = maskCommon(text.replaceAll(endpoint, 'ENDPOINT'));
    return (step.mask === undefined ? plain : plain.replace(step.mask, '*')).split('\n');
  };
  const lines = mask(stdout);
  return { exitCode, stdout: step.isUnordered ? lines.sort() : lines, stderr: mask(stderr) };
}

/** An id in base 16, but for one in base 10 that happens to be as short, as JSON and `fields` have them. */
const hexId = /(?<!":(?=\d{16}\b))(?<!" : (?=\d{16}\b))\b[0-9a-f]{16}\b/g;

/** What no two servers agree on: ids of leases, terms, times. */
function maskCommon(text: string): string {
  return (
    text
      .replace(hexId, 'HEXID')
      .replace(/"(ID|id|lease|raft_term|raftTerm)":\d+/g, '"$1":N')
      .replace(/"(ID|Lease|PrevLease|RaftTerm)" : [1-9]\d+/g, '"$1" : N')
      .replace(/"ttl":[1-9]\d*/g, '"ttl":N')
      .replace(/"TTL" : [1-9]\d*/g, '"TTL" : N')
      .replace(/[\w./-]*kvorum-ctl-\w+/g, 'FOLDER')
      .replace(/"ts":"[^"]*"/g, '"ts":"T"')
      // Outputs are read as latin1, and a micro sign may be two characters.
      .replace(/\b\d+(\.\d+)?(ns|µs|Âµs|ms|s)\b/g, 'TIME')
  );
}

function etcdctlRunner(real: RealEtcd): Runner {
  return ({ args, input, env }) =>
    new Promise((resolve) => {
      const options = { env: { ...env }, encoding: 'latin1', timeout: LIFETIME_MS } as const;
      const child = execFile(real.etcdctl, args, options, (error, stdout, stderr) => {
        resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
      // A program that takes no input may have ended before it is written.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
}
