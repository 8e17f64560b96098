import { type Client, connect } from '@kvorum/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../framework/certificate.ts';
import { TestClient } from '../framework/client.ts';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { TlsFront } from '../framework/tls-front.ts';
import { failedFounder, START_DEADLINE_MS, startFounder } from './founding-member.ts';
import { threeFounders } from './three-founders.ts';

const etcd = realEtcd('3.5');
const openssl = systemProgram('openssl');

/** Those that may be asked, by name. */
const registries = [
  { kind: 'Kvorum', start: () => startKvorum() },
  ...(etcd === undefined ? [] : [{ kind: 'etcd 3.5', start: () => startEtcd(etcd) }]),
];

const bytes = (text: string) => new TextEncoder().encode(text);

describe.each(registries)('members that register in $kind', ({ start }) => {
  let registry: TestMember;
  let client: TestClient;
  let tokens = 0;
  beforeAll(async () => {
    registry = await start();
    client = new TestClient(registry.url);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    await registry[Symbol.asyncDispose]();
  });

  const put = async (token: string, key: string, value: string) => {
    const path = `/_etcd/registry/${token}/${key}`;
    await client.kv.put({ key: bytes(path), value: bytes(value) });
  };
  const flagsFor = (token: string) => [
    `--discovery-token=${token}`,
    `--discovery-endpoints=${registry.endpoint}`,
  ];

  it('found a cluster; its members leave the registry alone when they come again', async () => {
    const warnings = await threeFounders(async () => {
      tokens += 1;
      await put(`three-${tokens}`, '_config/size', '3');
      return flagsFor(`three-${tokens}`);
    });
    const error = 'failed to join discovery cluster (discovery: cluster is full)';
    expect(warnings).toEqual([
      { msg: 'discovery failed to join cluster', error: 'discovery: cluster is full' },
      { msg: 'failed to bootstrap; discovery token was already used', error },
      { msg: 'do not reuse discovery token; generate a new one to bootstrap a cluster' },
      { msg: 'discovery failed', error },
    ]);
  });

  it('wait for others until they are asked to stop', async () => {
    await put('two', '_config/size', '2');
    await using member = await startFounder({ flags: flagsFor('two') });
    const { process } = member;
    await process.stderr.line(
      /"waiting for peers from discovery service".*"found-peers":1/,
      START_DEADLINE_MS,
    );
    expect(await process.stop('SIGINT')).toEqual({ code: 0, signal: null });
  });
});

describe('members that register with a registry', () => {
  let registry: TestMember;
  let client: Client;
  beforeAll(async () => {
    registry = await startKvorum();
    client = connect({ endpoints: [registry.endpoint] });
  });
  afterAll(async () => {
    client.close();
    await registry[Symbol.asyncDispose]();
  });

  const put = (token: string, key: string, value: string) =>
    client.put(`/_etcd/registry/${token}/${key}`, value);
  const flagsFor = (token: string) => [
    `--discovery-token=${token}`,
    `--discovery-endpoints=${registry.endpoint}`,
  ];

  it.each([
    { token: 'nosuch', error: 'discovery: size key not found' },
    { token: 'bad', size: 'x', error: 'discovery: size key is bad' },
    { token: 'name', size: '2', other: 'one=http://h:1', error: 'discovery: found duplicate name' },
    { token: 'url', size: '2', other: 'x=h', error: 'discovery: invalid peer URL' },
  ])('are refused: $error', async ({ token, size, other, error }) => {
    if (size !== undefined) await put(token, '_config/size', size);
    if (other !== undefined) await put(token, 'members/abc', other);
    const { code, people } = await failedFounder({ flags: flagsFor(token) });
    expect(code).toBe(1);
    expect(people[0]).toBe(`failed to join discovery cluster (${error})`);
    expect(people.length).toBeGreaterThan(1);
  });
});

it.skipIf(openssl === undefined)('a member registers over TLS, by name and password', async () => {
  await using registry = await startKvorum();
  await using client = connect({ endpoints: [registry.endpoint] });
  using certificate = new Certificate(openssl ?? '');
  using front = await TlsFront.start(certificate, registry.endpoint);
  await client.put('/_etcd/registry/one/_config/size', '1');
  await client.auth.users.add('root', 'secret');
  await client.auth.users.grantRole('root', 'root');
  await client.auth.enable();
  const flags = [
    '--discovery-token=one',
    `--discovery-endpoints=${front.url}`,
    `--discovery-cacert=${certificate.file}`,
  ];
  const wrong = await failedFounder({ flags: [...flags, '--discovery-user=root:wrong'] });
  expect([wrong.code, wrong.people]).toEqual([
    1,
    [
      'failed to join discovery cluster ' +
        '(etcdserver: authentication failed, invalid user ID or password)',
    ],
  ]);
  await using member = await startFounder({ flags: [...flags, '--discovery-user=root:secret'] });
  await member.process.stderr.line(/"ready to serve client requests"/, START_DEADLINE_MS);
});

it('a member tries again when there is no registry, and stops when it is asked to', async () => {
  const flags = ['--discovery-token=t', '--discovery-endpoints=127.0.0.1:1'];
  await using member = await startFounder({
    flags: [...flags, '--discovery-request-timeout=200ms'],
  });
  const { process } = member;
  await process.stderr.line(
    /"failed to get cluster size from discovery service".*ECONNREFUSED/,
    START_DEADLINE_MS,
  );
  await process.stderr.line(
    /"retry connecting to discovery service".*"backoff":"2s"/,
    START_DEADLINE_MS,
  );
  expect(await process.stop('SIGTERM')).toEqual({ code: 0, signal: null });
});
