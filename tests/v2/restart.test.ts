import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestMember } from '../framework/member.ts';
import { parseStep } from './key-requests.ts';
import { canonical, send } from './raw-request.ts';
import { hasEtcd, startV2Servers, type V2Servers } from './servers.ts';

const before = [
  'PUT /a/b value=1',
  'PUT /a/c value=2&ttl=1000',
  'POST /queue value=job',
  'PUT /empty dir=true',
  'DELETE /a/b',
];
const after = [
  'GET /?recursive=true&sorted=true',
  'GET /a?wait=true&recursive=true&waitIndex=1',
  'GET /a/b?wait=true&waitIndex=5',
  'POST /queue value=next',
  'GET /queue?recursive=true&sorted=true',
];

describe.skipIf(!hasEtcd)('the v2 keys of a member that was restarted, beside etcd', () => {
  let servers: V2Servers;
  beforeAll(async () => {
    servers = await startV2Servers();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  it('are what they were, with their history, and indexes go on alike', async () => {
    const run = async (member: TestMember, stop: () => Promise<unknown>) => {
      const ask = async (line: string) => canonical(await send(member.url, parseStep(line)));
      for (const line of before) await ask(line);
      await stop();
      await member.restart();
      const answers = [];
      for (const line of after) answers.push(await ask(line));
      // What is left of a TTL depends on how long the restart took.
      return JSON.parse(JSON.stringify(answers).replace(/\\"ttl\\":\d+/g, '\\"ttl\\":0'));
    };
    const { kvorum, etcds } = servers;
    const running = [
      run(kvorum, () => kvorum.kill()),
      ...etcds.map((etcd) => run(etcd, () => etcd.stop())),
    ];
    const [ours, ...theirs] = await Promise.all(running);
    for (const other of theirs) expect(ours).toEqual(other);
  });
});
