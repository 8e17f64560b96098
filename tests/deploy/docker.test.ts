import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../framework/ports.ts';
import { RunningProgram } from '../framework/process.ts';

const root = join(import.meta.dirname, '../..');
const BUILD_MS = 300_000;

/** What git has of the working tree, as the build's context. */
async function copyOfSources(folder: string): Promise<void> {
  const flags = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const listed = execFileSync('git', flags, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const files = listed.split('\0').filter((file) => file !== '' && !file.startsWith('tests/'));
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    // One that was deleted and is listed still.
    await cp(join(root, file), join(folder, file)).catch(() => {});
  }
}

/** Instructions of the Dockerfile, continued lines joined: a word and the rest. */
async function instructions(): Promise<(readonly [string, string])[]> {
  const text = await readFile(join(root, 'deploy/docker/Dockerfile'), 'utf8');
  const lines = text.replaceAll(/\\\n\s*/g, '').split('\n');
  const found = lines.filter((line) => /^[A-Z]+ /.test(line));
  return found.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);
}

describe('the image', () => {
  let scratch: string;
  let image: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'kvorum-image-'));
    const sources = join(scratch, 'src');
    image = join(scratch, 'out');
    await copyOfSources(sources);
    const builds = (await instructions()).filter(([word, rest]) => {
      return word === 'RUN' && rest.includes('build.sh');
    });
    const [[, command] = ['', '']] = builds;
    expect(command).toBe('sh deploy/docker/build.sh /out');
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, CI: 'true' };
    const words = command.replace('/out', image).split(' ').slice(1);
    execFileSync('sh', words, { cwd: sources, env, stdio: 'pipe' });
  }, BUILD_MS);
  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true });
  });

  it('runs a member by what it is told, which its health check finds well', async () => {
    const told = await instructions();
    const last = (word: string) => told.findLast(([one]) => one === word)?.[1] ?? '';
    const [name = '', ...flags] = JSON.parse(last('CMD')) as string[];
    const [client = 0, peer = 0] = await freePorts(2);
    const here = flags.map((flag) => flag.replace(/[\d.]+:2379/, `127.0.0.1:${client}`));
    const args = [
      ...here,
      `--data-dir=${join(scratch, 'data')}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
    ];
    const PATH = `${join(image, 'bin')}:${process.env.PATH}`;
    await using member = await RunningProgram.start(join(image, 'bin', name), {
      args,
      env: { PATH },
    });
    await member.stderr.line(/ready to serve client requests/);

    const [, check = ''] = /CMD (\[.*\])$/.exec(last('HEALTHCHECK')) ?? [];
    const [kvctl = '', ...checkFlags] = JSON.parse(check) as string[];
    const env = { PATH, ETCDCTL_ENDPOINTS: `127.0.0.1:${client}` };
    const healthy = execFileSync(join(image, 'bin', kvctl), checkFlags, {
      env,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(healthy).toContain('is healthy');
    expect(await member.stop('SIGTERM')).toMatchObject({ code: 0 });
    expect(() =>
      execFileSync(join(image, 'bin', kvctl), checkFlags, { env, stdio: 'pipe' }),
    ).toThrow();
  });

  it('has the names that command lines for etcd have', () => {
    const env = { PATH: `${join(image, 'bin')}:${process.env.PATH}` };
    for (const name of ['etcd', 'etcdctl', 'etcdutl']) {
      const flags = name === 'etcd' ? ['--version'] : ['version'];
      expect(execFileSync(join(image, 'bin', name), flags, { env, encoding: 'utf8' })).toContain(
        '3.7',
      );
    }
  });

  it('is not run by root', async () => {
    const users = (await instructions()).filter(([word]) => word === 'USER');
    expect(users.map(([, user]) => user)).toEqual(['1001:1001']);
  });
});
