import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import { DevCluster } from './dev-cluster.ts';
import { HOST, type Place, placesOf } from './layout.ts';
import { PeerProxies, probe } from './peer-proxies.ts';
import { Printer } from './printer.ts';
import { askStatus } from './status-call.ts';

/** The bundle that the tests have made of the sources, which starts faster. */
const mainPath =
  process.env.KVORUM_TEST_BUNDLE ?? fileURLToPath(new URL('../main.ts', import.meta.url));
const soon = { timeout: 20_000, interval: 20 };

/** Real processes; keys are pressed by the test. */
let cluster: DevCluster;
let places: readonly Place[] = [];
let dataDir = '';
let lines: string[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kvorum-dev-cluster-'));
  const proxies = await onFreePorts();
  let text = '';
  const printer = new Printer((more) => {
    text += more;
    lines = text.split('\n').slice(0, -1);
  }, false);
  cluster = new DevCluster({
    places,
    memberFlags: ['--heartbeat-interval=50', '--election-timeout=500'],
    proxies,
    printer,
    spawn: (flags) =>
      spawn(process.execPath, ['--conditions=kvorum-source', mainPath, ...flags], {
        env: {},
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    askStatus,
    after: systemClock.after,
    hasKeys: true,
    canIsolate: process.platform === 'linux',
  });
  cluster.start();
  await said(/^-- \| all 3 members serve clients/);
});

afterAll(async () => {
  cluster.killAll();
  cluster.stop();
  await cluster.finished;
  await rm(dataDir, { recursive: true, force: true });
});

/** Ports next to each other may be taken: others are tried then. */
async function onFreePorts(): Promise<PeerProxies> {
  for (let attempt = 1; ; attempt++) {
    try {
      places = placesOf({
        help: false,
        nodes: 3,
        basePort: await somePort(),
        dataDir,
        fresh: false,
        memberFlags: [],
      });
      for (const { clientPort, peerPort } of places) {
        await probe(clientPort, HOST);
        await probe(peerPort, HOST);
      }
      return await PeerProxies.open(places);
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}

async function somePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits for a line that was written since `lines` was this long. */
async function said(pattern: RegExp, since = 0): Promise<void> {
  await vi.waitFor(() => {
    expect(lines.slice(since).some((line) => pattern.test(line))).toBe(true);
  }, soon);
}

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) await cluster.press(key);
}

/** Digit of the member that a majority of those that answer follows, other than `not`. */
async function leader(not?: string): Promise<string> {
  return await vi.waitFor(async () => {
    const answers = await Promise.all(places.map(({ clientPort }) => askStatus(clientPort)));
    const leading = answers.findIndex((one, index) => {
      const followers = answers.filter((other) => other?.leader === one?.memberId);
      return one !== undefined && followers.length >= 2 && `${index + 1}` !== not;
    });
    expect(leading).toBeGreaterThanOrEqual(0);
    return `${leading + 1}`;
  }, soon);
}

describe('the keys of a dev-cluster', () => {
  // Only Linux has all of 127.0.0.0/8.
  const itOnLinux = it.skipIf(process.platform !== 'linux');

  itOnLinux(
    'isolate a leader, which loses its leadership, and heal it, which follows',
    async () => {
      const old = await leader();
      const since = lines.length;
      await press(old, 'i');
      await said(/^-- \| m\d is isolated from the others$/, since);
      const other = await leader(old);
      const port = places[Number(old) - 1]?.clientPort ?? 0;
      await vi.waitFor(async () => {
        expect(await askStatus(port)).toMatchObject({ leader: '0' });
      }, soon);
      await press('l');
      expect(lines.find((line) => line.includes('isolated  follower  none'))).toMatch(`m${old}`);
      await press('i');
      await said(/^-- \| m\d is healed$/, since);
      await vi.waitFor(async () => {
        const [healed, leading] = await Promise.all([
          askStatus(port),
          askStatus(places[Number(other) - 1]?.clientPort ?? 0),
        ]);
        expect(healed?.leader).not.toBe('0');
        expect(healed?.leader).toBe(leading?.leader);
      }, soon);
    },
  );

  it('kill a member and start it again', async () => {
    const since = lines.length;
    await press('1', 'k');
    await said(/^-- \| m1 has ended: signal SIGKILL$/, since);
    await press('k');
    await said(/^-- \| m1 does not run; r starts it$/, since);
    await press('r');
    await said(/^m1 \| .*ready to serve client requests/, since);
  });

  it('pause a member, which others do without, and let it go on', async () => {
    const old = await leader();
    const since = lines.length;
    await press(old, 'p');
    await said(/^-- \| m\d is paused$/, since);
    await leader(old);
    await press('p');
    await said(/^-- \| m\d goes on$/, since);
  });

  it('restart a member in good order', async () => {
    const since = lines.length;
    await press('2', 'r');
    await said(/^-- \| m2 has ended: exit code 0$/, since);
    await said(/^m2 \| .*ready to serve client requests/, since);
  });

  it('explain themselves, and know no fourth member', async () => {
    const since = lines.length;
    await press('?', '4', 'x');
    await said(/^-- \| keys:/, since);
    await said(/^-- \| there is no member 4$/, since);
  });

  it('stop all', async () => {
    await press('q');
    expect(await cluster.finished).toBe(0);
    expect(lines.filter((line) => / has ended by itself/.test(line))).toEqual([]);
  });
});

describe('a dev-cluster that is told to stop', () => {
  /** Starts one program that takes no hint in the place of a member; ends when it listens for signals. */
  async function startStubborn(after = systemClock.after) {
    const options = { help: false, nodes: 1, basePort: 1, dataDir, fresh: false, memberFlags: [] };
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const stubborn = new DevCluster({
      places: placesOf(options),
      memberFlags: [],
      proxies: await PeerProxies.open([]),
      printer: new Printer((text) => text.includes('deaf') && ready(), false),
      spawn: () =>
        spawn(process.execPath, [
          '--eval',
          'process.on("SIGTERM", () => {}); setInterval(() => {}, 60_000); console.log("deaf")',
        ]),
      askStatus,
      after,
      hasKeys: false,
      canIsolate: false,
    });
    stubborn.start();
    await isReady;
    return stubborn;
  }

  it('kills at the second word, and says so by its exit code', async () => {
    const stubborn = await startStubborn();
    stubborn.stop();
    stubborn.stop();
    expect(await stubborn.finished).toBe(1);
  });

  it('kills what takes too long', async () => {
    const stubborn = await startStubborn((_delayMs, callback) => {
      const timer = setImmediate(callback);
      return () => clearImmediate(timer);
    });
    stubborn.stop();
    expect(await stubborn.finished).toBe(1);
  });
});
