import { get as httpsGet } from 'node:https';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../framework/certificate.ts';
import { eventually } from '../framework/eventually.ts';
import { kvorumProgram, startKvorum, type TestMember } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';
import { systemProgram } from '../framework/real-etcd.ts';
import { TlsFront } from '../framework/tls-front.ts';
import { failedFounder } from './founding-member.ts';
import { threeFounders } from './three-founders.ts';
import { startEtcdService, startKvorumService, type TestTokenService } from './token-service.ts';

const openssl = systemProgram('openssl');
const etcdDiscovery = systemProgram('discovery.etcd.io');

let registry: TestMember;
beforeAll(async () => {
  registry = await startKvorum({ flags: ['--enable-v2'] });
});
afterAll(() => registry[Symbol.asyncDispose]());

const services = [
  // One that is down does not matter.
  { kind: "Kvorum's", start: () => startKvorumService(`http://127.0.0.1:1,${registry.url}`) },
  ...(etcdDiscovery === undefined
    ? []
    : [{ kind: "Debian's", start: () => startEtcdService(etcdDiscovery, registry.url) }]),
];

describe.each(services)('$kind discovery service in front of Kvorum', ({ start }) => {
  let service: TestTokenService;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const newToken = async (size: number) => (await fetch(`${service.url}/new?size=${size}`)).text();

  it('brings three members together, and no fourth', async () => {
    await threeFounders(async () => {
      const url = await newToken(3);
      expect(url).toMatch(new RegExp(`^${service.url}/[0-9a-f]{32}$`));
      return [`--discovery=${url}`];
    });
  });

  it('knows no other tokens', async () => {
    const { people } = await failedFounder({
      flags: [`--discovery=${service.url}/${'0'.repeat(32)}`],
    });
    expect(people[0]).toMatch(/^failed to join discovery cluster \(100: Key not found \(/);
    const foreign = await failedFounder({ flags: [`--discovery=${service.url}/elsewhere`] });
    expect(foreign.people[0]).toBe(
      'failed to join discovery cluster (discovery: bad discovery endpoint)',
    );
  });
});

/** The body of a page, from a server whose certificate is `ca`. */
function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpsGet(url, { ca, agent: false }, (response) => {
      text(response).then(resolve, reject);
    });
    request.on('error', reject);
  });
}

describe.skipIf(etcdDiscovery === undefined)('both discovery services', () => {
  /** The same requests to a service, one after the other: status, headers of the v2 API and body. */
  async function talk(service: TestTokenService): Promise<readonly unknown[]> {
    const url = await (await fetch(`${service.url}/new`)).text();
    const token = url.slice(url.lastIndexOf('/') + 1);
    const form = (value: string) => ({ method: 'PUT', body: new URLSearchParams({ value }) });
    const requests: [string, RequestInit?][] = [
      [`/${token}/_config/size`],
      [`/${token}/_config/size`, form('9')],
      [`/${token}/abc?prevExist=false`, form('n=u')],
      [`/${token}/abc?prevExist=false`, form('n=u')],
      [`/${token}/abc`],
      [`/${token}`],
      [`/${token}/?recursive=true&sorted=true`],
      [`/${token}/abc`, { method: 'DELETE' }],
      [`/${token}/abc`, { method: 'POST' }],
      [`/${token}/abc`],
      [`/${token}`, { method: 'DELETE' }],
      [`/${'0'.repeat(32)}`],
      [`/${token}/a/b`],
      ['/nothing'],
      [`/${token.toUpperCase()}`],
      ['/health'],
      ['/robots.txt'],
    ];
    const answers: unknown[] = [];
    for (const [path, init] of requests) {
      const response = await fetch(`${service.url}${path}`, init);
      const body = (await response.text()).replaceAll(token, 'TOKEN');
      const masked = body.replaceAll(/"(created|modified)?[iI]ndex":\d+/g, '"$1Index":0');
      const hasIndex = response.headers.has('x-etcd-index');
      answers.push([
        init?.method ?? 'GET',
        path.replace(new RegExp(token, 'i'), 'TOKEN'),
        response.status,
        masked,
        hasIndex,
      ]);
    }
    return answers;
  }

  it('answer alike', async () => {
    await using ours = await startKvorumService(registry.url);
    await using theirs = await startEtcdService(etcdDiscovery ?? '', registry.url);
    const [mine, other] = await Promise.all([talk(ours), talk(theirs)]);
    expect(mine).toEqual(other);
  });
});

describe("Kvorum's discovery service", () => {
  it('lets members wait, and tells what it did', async () => {
    await using service = await startKvorumService(registry.url);
    const url = await (await fetch(`${service.url}/new?size=2`)).text();
    const waiting = fetch(`${url}?wait=true&recursive=true`);
    // The head of the answer comes at once.
    const { status, body } = await waiting;
    expect(status).toBe(200);
    await fetch(`${url}/abc`, { method: 'PUT', body: new URLSearchParams({ value: 'n=u' }) });
    const told = await new Response(body).text();
    expect(JSON.parse(told)).toMatchObject({ action: 'set', node: { value: 'n=u' } });
    const counts = await (await fetch(`${service.url}/metrics`)).text();
    expect(counts).toContain('endpoint_new_requests_total{code="200",method="GET"} 1');
    expect(counts).toContain('endpoint_token_requests_total{code="201",method="PUT"} 1');
  });

  it.each(['0', '-1', 'x', '1001'])('refuses a size of %s', async (size) => {
    await using service = await startKvorumService(registry.url);
    const response = await fetch(`${service.url}/new?size=${size}`);
    expect([response.status, await response.text()]).toEqual([
      400,
      `size must be a number from 1 to 1000, not "${size}"\n`,
    ]);
  });

  it('survives bad input, and a registry that is gone', async () => {
    await using service = await startKvorumService('http://127.0.0.1:1');
    const long = { method: 'PUT', body: 'value='.padEnd(100_000, 'x') };
    expect((await fetch(`${service.url}/${'a'.repeat(32)}/m`, long)).status).toBe(413);
    expect((await fetch(`${service.url}/%00/../new/..%2f`)).status).toBe(404);
    const response = await fetch(`${service.url}/new`);
    expect([response.status, await response.text()]).toEqual([400, 'Unable to generate token\n']);
    expect((await fetch(`${service.url}/health`)).status).toBe(400);
    expect((await fetch(`${service.url}/${'a'.repeat(32)}`)).status).toBe(500);
    await eventually('a word about it', () =>
      /no etcd can be reached/.test(service.process.stderr.text),
    );
    expect(await service.process.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it.skipIf(openssl === undefined)('listens with TLS, and asks an etcd that does', async () => {
    using certificate = new Certificate(openssl ?? '');
    using front = await TlsFront.start(certificate, registry.endpoint);
    await using service = await startKvorumService(front.url, [
      `--cert-file=${certificate.file}`,
      `--key-file=${certificate.keyFile}`,
      `--trusted-ca-file=${certificate.file}`,
    ]);
    const token = await get(`${service.url}/new?size=2`, certificate.cert);
    expect(token).toMatch(new RegExp(`^${service.url}/[0-9a-f]{32}$`));
    expect(await get(`${token}/_config/size`, certificate.cert)).toContain('"value":"2"');
  });

  it('says what is wrong with its flags', async () => {
    const { file, args } = kvorumProgram();
    const start = [...args, 'discovery', 'start'];
    await using process = await RunningProgram.start(file, { args: [...start, '--endpoints=x:1'] });
    expect((await process.exited).code).toBe(1);
    expect(process.stderr.text).toContain('--endpoints takes http or https URLs, not "x:1"');
  });
});
