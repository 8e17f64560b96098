import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../framework/certificate.ts';
import { etcdProgram, startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { type RealEtcd, realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { TlsFront } from '../framework/tls-front.ts';
import { startConnectProxy } from './connect-proxy.ts';
import { failedFounder, START_DEADLINE_MS, startFounder } from './founding-member.ts';
import { threeFounders } from './three-founders.ts';

const openssl = systemProgram('openssl');
const releases = (['3.4', '3.5'] as const).flatMap((release): [string, RealEtcd][] => {
  const real = realEtcd(release);
  return real === undefined ? [] : [[`etcd ${release}`, real]];
});
const refusals: readonly {
  readonly token: string;
  readonly size?: string;
  readonly other?: string;
  readonly error: RegExp;
}[] = [
  { token: 'nosuch', error: /^100: Key not found \(.*\/_etcd\/registry\/nosuch\) \[\d+\]$/ },
  { token: 'bad', size: 'x', error: /^discovery: size key is bad$/ },
  {
    token: 'name',
    size: '2',
    other: 'one=http://h:1',
    error: /^discovery: found duplicate name$/,
  },
  { token: 'url', size: '2', other: 'x=h', error: /^discovery: invalid URL$/ },
];
const services: [string, RealEtcd | undefined][] = [['Kvorum', undefined], ...releases];

describe.each(services)('members that register by --discovery in %s', (_, real) => {
  let service: TestMember;
  let tokens = 0;
  beforeAll(async () => {
    const options = { flags: ['--enable-v2'] };
    service = await (real === undefined ? startKvorum(options) : startEtcd(real, options));
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const tokenUrl = (token: string) => `${service.url}/v2/keys/_etcd/registry/${token}`;
  const flagsFor = (token: string) => [`--discovery=${tokenUrl(token)}`];
  const put = async (token: string, key: string, value: string) => {
    const body = new URLSearchParams({ value });
    await fetch(`${tokenUrl(token)}/${key}`, { method: 'PUT', body });
  };

  it('found a cluster; its members leave the service alone when they come again', async () => {
    await threeFounders(async () => {
      tokens += 1;
      await put(`three-${tokens}`, '_config/size', '3');
      return flagsFor(`three-${tokens}`);
    });
  });

  it('wait for others until they are asked to stop, and are known when they come again', async () => {
    await put('two', '_config/size', '2');
    await using member = await startFounder({ flags: flagsFor('two') });
    const { process, peerUrl } = member;
    await process.stderr.line(
      /"found peers from discovery server; waiting for more".*"found-peers":1/,
      START_DEADLINE_MS,
    );
    expect(await process.stop('SIGINT')).toEqual({ code: 0, signal: null });
    const again = await failedFounder({ flags: flagsFor('two'), peerUrl });
    expect(again.code).toBe(1);
    expect(again.people[0]).toBe(
      'failed to join discovery cluster (discovery: found duplicate id)',
    );
    expect(again.warnings.map(({ msg }) => msg)).toEqual([
      'member has been registered with discovery service',
      'but could not find valid cluster configuration',
      'check data dir if previous bootstrap succeeded',
      'or use a new discovery token if previous bootstrap failed',
      'discovery failed',
    ]);
  });

  // 3.4 logs in another format.
  it.each(real?.version.startsWith('3.4') ? [] : refusals)(
    'are refused: $error',
    async ({ token, size, other, error }) => {
      if (size !== undefined) await put(token, '_config/size', size);
      if (other !== undefined) await put(token, 'abc', other);
      const { code, people, warnings } = await failedFounder({ flags: flagsFor(token) });
      const [, reason] = /^failed to join discovery cluster \((.*)\)$/.exec(people[0] ?? '') ?? [];
      expect([code, reason]).toEqual([1, expect.stringMatching(error)]);
      expect(people.length).toBeGreaterThan(1);
      if (real === undefined) return;
      const twin = `${token}-etcd`;
      if (size !== undefined) await put(twin, '_config/size', size);
      if (other !== undefined) await put(twin, 'abc', other);
      const theirs = await failedFounder({ flags: flagsFor(twin), program: etcdProgram(real) });
      expect(theirs.code).toBe(code);
      expect(linesOfDiscovery(warnings)).toEqual(linesOfDiscovery(theirs.warnings));
    },
  );
});

/** What both servers say of discovery, but for the name of the token and the index of the store. */
function linesOfDiscovery(lines: readonly { readonly msg: string; readonly error?: string }[]) {
  const others = /^Running http and grpc|^failed to start etcd$|^discovery failed$/;
  return lines
    .filter(({ msg }) => !others.test(msg))
    .map(({ msg, error }) => [msg, error?.replace(/-etcd\b|\[\d+\]/g, '')]);
}

it.skipIf(openssl === undefined)('a member asks over TLS, through a proxy', async () => {
  await using service = await startKvorum({ flags: ['--enable-v2'] });
  using certificate = new Certificate(openssl ?? '');
  using front = await TlsFront.start(certificate, service.endpoint);
  await using proxy = await startConnectProxy();
  const path = '/v2/keys/_etcd/registry/one';
  const body = new URLSearchParams({ value: '1' });
  await fetch(`${service.url}${path}/_config/size`, { method: 'PUT', body });
  await using member = await startFounder({
    flags: [`--discovery=${front.url}${path}`, `--discovery-proxy=${proxy.address}`],
    env: { NODE_EXTRA_CA_CERTS: certificate.file },
  });
  await member.process.stderr.line(/"ready to serve client requests"/, START_DEADLINE_MS);
  expect(new Set(proxy.asked)).toEqual(new Set([new URL(front.url).host]));
});

it('a member tries again when nobody answers, and stops when it is asked to', async () => {
  await using member = await startFounder({ flags: ['--discovery=http://127.0.0.1:1/tkn'] });
  const { process } = member;
  await process.stderr.line(
    /"failed to get from discovery server".*"path":"\/_config\/size".*ECONNREFUSED/,
    START_DEADLINE_MS,
  );
  await process.stderr.line(
    /"retry connecting to discovery service".*"backoff":"2s"/,
    START_DEADLINE_MS,
  );
  expect(await process.stop('SIGTERM')).toEqual({ code: 0, signal: null });
});
