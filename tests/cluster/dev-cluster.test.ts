import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { DEADLINE_MS, eventually } from '../framework/eventually.ts';
import { kvorumProgram } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { RunningProgram } from '../framework/process.ts';
import { systemProgram } from '../framework/real-etcd.ts';

/** Loads of a busy machine included. */
const READY_DEADLINE_MS = 30_000;
const START_ATTEMPTS = 5;

const script = systemProgram('script');

/** A dev-cluster that serves, and what it was started by. */
interface Started extends AsyncDisposable {
  readonly program: RunningProgram;
  readonly basePort: number;
}

/** Starts `kvorum dev-cluster` as `wrap` has it, and resolves when all members serve. */
async function start(
  wrap: (file: string, args: readonly string[]) => [string, readonly string[]],
  nodes = 3,
): Promise<Started> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kvorum-dev-cluster-'));
  for (let attempt = 1; ; attempt++) {
    const [basePort = 0] = await freePorts(1);
    const { file, args } = kvorumProgram();
    const words = [
      'dev-cluster',
      `--nodes=${nodes}`,
      `--base-port=${basePort}`,
      `--data-dir=${dataDir}`,
    ];
    const [outerFile, outerArgs] = wrap(file, [...args, ...words, '--fresh']);
    const program = await RunningProgram.start(outerFile, { args: outerArgs });
    const dispose = async () => {
      // It stops its members; killed without warning it could not.
      if (!program.hasEnded) await program.stop('SIGTERM', 2 * DEADLINE_MS);
      await rm(dataDir, { recursive: true, force: true });
    };
    try {
      await program.stdout.line(/all \d members serve clients/, READY_DEADLINE_MS);
      return { program, basePort, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      const isTaken = /is taken/.test(program.stdout.text + program.stderr.text);
      if (isTaken && attempt < START_ATTEMPTS) continue;
      await dispose();
      throw error;
    }
  }
}

async function isServed(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    return true;
  } catch {
    return false;
  }
}

async function portsServed(basePort: number): Promise<boolean[]> {
  return await Promise.all([0, 10, 20].map((offset) => isServed(basePort + offset)));
}

describe('kvorum dev-cluster', () => {
  it('serves in a pipe with labelled lines, and ends all it started', async () => {
    await using started = await start((file, args) => [file, args]);
    const { program, basePort } = started;
    const [url, other] = [basePort, basePort + 20].map((port) => `http://127.0.0.1:${port}`);
    using writer = new TestClient(url ?? '');
    using reader = new TestClient(other ?? '');
    const key = Buffer.from('k');
    await writer.kv.put({ key, value: Buffer.from('v') });
    const { kvs } = await reader.kv.range({ key });
    expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('v');
    const endpoints = [0, 10, 20].map((offset) => `127.0.0.1:${basePort + offset}`).join(',');
    await program.stdout.line(new RegExp(`^-- \\| export ETCDCTL_ENDPOINTS=${endpoints}$`));
    expect(await program.stop('SIGTERM', 2 * DEADLINE_MS)).toEqual({ code: 0, signal: null });
    expect(program.stdout.lines.filter((line) => !/^(m[123]|--) \| /.test(line))).toEqual([]);
    expect(program.stderr.text).toBe('');
    for (const name of ['m1', 'm2', 'm3']) {
      await program.stdout.line(new RegExp(`^-- \\| ${name} has ended: exit code 0$`));
    }
    expect(await portsServed(basePort)).toEqual([false, false, false]);
  }, 90_000);

  it.skipIf(script === undefined)(
    'takes keys on a terminal, which sees colours',
    async () => {
      await using started = await start((file, args) => {
        const command = [file, ...args].map((word) => `'${word}'`).join(' ');
        return [script ?? '', ['-qefc', `TERM=xterm ${command}`, '/dev/null']];
      });
      const { program, basePort } = started;
      const label = '\u001b[36mm1 |\u001b[39m ';
      expect(program.stdout.lines.some((line) => line.startsWith(label))).toBe(true);
      await program.stdout.line(/choose a member/);
      program.write('2k');
      await program.stdout.line(/m2 has ended: signal SIGKILL/);
      program.write('l');
      await program.stdout.line(/m2 +127\.0\.0\.1:\d+ +stopped/);
      await program.stdout.line(/m3 +127\.0\.0\.1:\d+ +running +(leader|follower)/);
      program.write('\u0003');
      expect(await program.exited).toEqual({ code: 0, signal: null });
      expect(await portsServed(basePort)).toEqual([false, false, false]);
    },
    90_000,
  );

  it('leaves no member behind when it is killed', async () => {
    await using started = await start((file, args) => [file, args], 1);
    const { program, basePort } = started;
    expect(await isServed(basePort)).toBe(true);
    await program.stop('SIGKILL');
    await eventually('the end of the member', async () => !(await isServed(basePort)));
  });

  it('refuses plainly what it can not do', async () => {
    const { file, args } = kvorumProgram();
    const run = async (...words: string[]) => {
      const program = await RunningProgram.start(file, {
        args: [...args, 'dev-cluster', ...words],
      });
      const { code } = await program.exited;
      return { code, said: program.stderr.lines[0] };
    };
    expect(await run('--nodes=0')).toEqual({
      code: 2,
      said: 'kvorum: --nodes takes a number from 1 to 6, not "0"',
    });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await run(`--base-port=${port}`)).toEqual({
      code: 1,
      said: `kvorum: port ${port} of 127.0.0.1 is taken: stop what listens there, or choose others with --base-port`,
    });
    await new Promise((resolve) => server.close(resolve));
  });
});
