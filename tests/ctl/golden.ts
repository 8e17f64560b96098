import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
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
  /** More to mask than ids and times, in both outputs. */
  readonly mask?: RegExp;
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
  options: { readonly servers?: readonly ('etcd' | 'kvorum')[] } = {},
): void {
  const real = realEtcd('3.5');
  describe.skipIf(real === undefined).each(options.servers ?? ['etcd', 'kvorum'])(
    `${name}, on two of %s`,
    (kind) => {
      let servers: readonly TestMember[] = [];
      beforeAll(async () => {
        if (real === undefined) return;
        const start = () => (kind === 'etcd' ? startEtcd(real) : startKvorum());
        servers = await Promise.all([start(), start()]);
      });
      afterAll(async () => {
        await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
      });

      it('kvctl does as etcdctl does', async () => {
        const [forEtcdctl, forKvctl] = servers;
        if (real === undefined || forEtcdctl === undefined || forKvctl === undefined) return;
        const table = steps.map(stepOf);
        const [theirs, ours] = await Promise.all([
          transcript(table, etcdctlRunner(real), forEtcdctl.endpoint),
          transcript(table, runKvctl, forKvctl.endpoint),
        ]);
        expect(ours).toEqual(theirs);
      });
    },
  );
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
  endpoint: string,
): Promise<object[]> {
  const captured = new Map<string, string>();
  const lines: object[] = [];
  for (const step of table) {
    const words = typeof step.args === 'string' ? step.args.split(' ') : step.args;
    const fill = (text: string) =>
      text.replace(/\{(\w+)\}/g, (whole, name: string) => captured.get(name) ?? whole);
    const result = await run({
      args: words.map(fill),
      input: fill(step.input ?? ''),
      env: { PATH: process.env.PATH ?? '', ETCDCTL_ENDPOINTS: endpoint, ...step.env },
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
  return { exitCode, stdout: mask(stdout), stderr: mask(stderr) };
}

/** What no two servers agree on: ids of leases, terms, times. */
function maskCommon(text: string): string {
  return (
    text
      .replace(/\b[0-9a-f]{16}\b/g, 'HEXID')
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
