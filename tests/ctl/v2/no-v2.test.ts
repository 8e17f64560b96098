import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../../framework/member.ts';
import { runKvctl } from '../in-process.ts';

const invalid =
  'client: response is invalid json. The endpoint is probably not valid etcd cluster endpoint\n';

describe('v2 mode, at what is no server of it', () => {
  let member: TestMember;
  /** Begins every answer and never ends one. */
  let endless: Server;

  beforeAll(async () => {
    member = await startKvorum();
    endless = createServer((_request, response) => void response.write('{'));
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    endless.closeAllConnections();
    await new Promise((resolve) => endless.close(resolve));
    await member[Symbol.asyncDispose]();
  });

  const run = (endpoint: string, ...args: string[]) =>
    runKvctl({ args, env: { ETCDCTL_API: '2', ETCDCTL_ENDPOINTS: endpoint } });

  it.each([
    { args: ['get', '/key'], exitCode: 4, stderr: `Error:  ${invalid}` },
    { args: ['watch', '/key'], exitCode: 4, stderr: `Error:  ${invalid}` },
    { args: ['user', 'list'], exitCode: 1, stderr: invalid },
    { args: ['role', 'add', 'r'], exitCode: 1, stderr: invalid },
    { args: ['member', 'list'], exitCode: 1, stderr: 'unexpected status code 404\n' },
    { args: ['cluster-health'], exitCode: 4, stderr: 'Error:  unexpected status code 404\n' },
  ])('says so: $args', async ({ args, exitCode, stderr }) => {
    expect(await run(member.url, ...args)).toMatchObject({ exitCode, stderr });
  });

  it.each([['get', '/key'], ['member', 'list'], ['cluster-health']])(
    'gives up what never ends an answer: %s',
    async (...args) => {
      const { port } = endless.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}`;
      const { exitCode, stderr } = await run(url, '--total-timeout=300ms', ...args);
      expect(exitCode).toBeGreaterThan(0);
      expect(stderr).toContain('context deadline exceeded');
    },
  );
});
