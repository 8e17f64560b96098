// node scripts/fresh-clone.ts [ARGS]
//
// Does what a newcomer does: clones the last commit into a temporary folder, runs `npm test` there (ARGS go
// to vitest) and `npm start`, asks the member for its health and stops it with Ctrl-C's signal. The
// environment holds a HOME and the system's programs, nothing of this clone.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const environment = { HOME: homedir(), PATH: '/usr/local/bin:/usr/bin:/bin' };
const startDeadlineMs = 60_000;

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => {
      if (address === null || typeof address === 'string') reject(new Error('no port'));
      else resolve(address.port);
    });
  });
  return promise;
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/health`);
    return response.ok;
  } catch {
    return false;
  }
}

/** Runs `npm start` until it is healthy, then interrupts it; true when it ends with code 0. */
async function startAndStop(clone: string): Promise<boolean> {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const flags = [
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
  const member = spawn('npm', ['start', '--', ...flags], {
    cwd: clone,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    // A process group of its own, as a terminal would give it.
    detached: true,
  });
  const ended = Promise.withResolvers<number | null>();
  member.once('exit', (code) => ended.resolve(code));
  const deadline = Date.now() + startDeadlineMs;
  let healthy = false;
  while (!healthy && member.exitCode === null && Date.now() < deadline) {
    await delay(100);
    healthy = await isHealthy(endpoint);
  }
  if (member.pid !== undefined && member.exitCode === null) {
    process.kill(-member.pid, healthy ? 'SIGINT' : 'SIGKILL');
  }
  const code = await ended.promise;
  console.log(`npm start: ${healthy ? 'healthy' : 'never healthy'}, ended with code ${code}`);
  return healthy && code === 0;
}

const scratch = mkdtempSync(join(tmpdir(), 'kvorum-fresh-clone-'));
try {
  const clone = join(scratch, 'kvorum');
  execFileSync('git', ['clone', '--quiet', root, clone]);
  const test = spawnSync('npm', ['test', '--', ...process.argv.slice(2)], {
    cwd: clone,
    env: environment,
    stdio: 'inherit',
  });
  const started = await startAndStop(clone);
  if (test.status !== 0 || !started) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
