import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { runKvctl } from './in-process.ts';

const nobody = '127.0.0.1:1';
const secure = '_etcd-client-ssl._tcp.example.com';
const insecure = '_etcd-client._tcp.example.com';

let member: TestMember;
let here: { target: string; port: number };

beforeAll(async () => {
  member = await startKvorum();
  const [target = '', port] = member.endpoint.split(':');
  here = { target, port: Number(port) };
});
afterAll(() => member[Symbol.asyncDispose]());

describe('--discovery-srv', () => {
  it.each([
    { args: ['-d', 'example.com'], env: {} },
    { args: [], env: { ETCDCTL_DISCOVERY_SRV: 'example.com' } },
  ])('finds the endpoints in DNS, whatever --endpoints says: $args $env', async ({ args, env }) => {
    const srvRecords = { [insecure]: [here] };
    const run = (...words: string[]) => {
      return runKvctl({ args: [...words, '--endpoints', nobody, ...args], env, srvRecords });
    };
    expect(await run('put', 'found', 'yes')).toEqual({ exitCode: 0, stdout: 'OK\n', stderr: '' });
    const health = await run('endpoint', 'health');
    expect(health.stderr + health.stdout).toContain(
      `http://${here.target}:${here.port} is healthy`,
    );
  });

  it('asks for the name of a service', async () => {
    const srvRecords = { '_etcd-client-two._tcp.example.com': [here] };
    const args = ['get', 'x', '-d', 'example.com', '--discovery-srv-name', 'two'];
    expect(await runKvctl({ args, srvRecords })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('speaks to nobody when DNS knows nothing', async () => {
    const args = ['get', 'x', '-d', 'example.com', '--endpoints', member.endpoint];
    const failures = `lookup ${secure}: no such host and lookup ${insecure}: no such host`;
    expect(await runKvctl({ args })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: dns lookup errors: ${failures}\n`,
    });
  });

  it('takes none without TLS when it must not', async () => {
    const args = ['get', 'x', '-d', 'example.com', '--insecure-discovery=false'];
    const srvRecords = { [insecure]: [{ target: 'one.example.com.', port: 2379 }] };
    const { exitCode, stderr } = await runKvctl({ args, srvRecords });
    expect([exitCode, stderr]).toEqual([
      1,
      'ignoring discovered insecure endpoint "http://one.example.com:2379"\n' +
        'Error: no endpoint with TLS is in the DNS records of example.com; ' +
        '--insecure-discovery takes those without\n',
    ]);
  });
});
