import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, connectRpc } from '@kvorum/client';
import { afterAll, describe, expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { etcdProgram, kvorumProgram, type ServerProgram, TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';

const real = realEtcd('3.5');
const servers = [
  { name: 'Kvorum', program: kvorumProgram() },
  { name: 'etcd 3.5', program: real && etcdProgram(real) },
];

const folder = mkdtempSync(join(tmpdir(), 'kvorum-jwt-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const root = { name: 'root', password: 'secret' };

/** A member that wants a password. */
async function startWithAuth(program: ServerProgram, ...flags: string[]): Promise<TestMember> {
  const member = await TestMember.start(program, { flags });
  using client = connectRpc({ endpoints: [member.endpoint] });
  await client.auth.userAdd({ ...root, options: { noPassword: false } });
  await client.auth.userGrantRole({ user: 'root', role: 'root' });
  await client.auth.authEnable({});
  return member;
}

/** Flags that have it give JSON Web Tokens. */
function jwtFlags(ttl: string): string[] {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = (name: string, pem: string | Buffer) => {
    writeFileSync(join(folder, name), pem);
    return join(folder, name);
  };
  const priv = file('private.pem', privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const pub = file('public.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  return [`--auth-token=jwt,pub-key=${pub},priv-key=${priv},sign-method=RS256,ttl=${ttl}`];
}

/** How often it has answered calls of a method with a code. */
async function answered(member: TestMember, service: string, method: string, code: string) {
  const labels = `grpc_code="${code}",grpc_method="${method}",grpc_service="etcdserverpb.${service}",grpc_type="unary"`;
  return (await member.metric(`grpc_server_handled_total{${labels}}`)) ?? 0;
}

for (const { name, program } of servers) {
  if (program === undefined) continue;
  describe(`a client with a password, of ${name}`, () => {
    it('has its token renewed before it ends, and none is ever refused', async () => {
      await using member = await startWithAuth(program, ...jwtFlags('4s'));
      const client = connect({ endpoints: [member.endpoint], credentials: root });
      await eventually('a second token', async () => {
        await client.put('k', 'v');
        return (await answered(member, 'Auth', 'Authenticate', 'OK')) >= 2;
      });
      client.close();
      expect(await answered(member, 'KV', 'Put', 'Unauthenticated')).toBe(0);
      expect(await answered(member, 'KV', 'Put', 'OK')).toBeGreaterThan(10);
    });

    it('goes on when the server has forgotten its token, with calls and watches', async () => {
      await using member = await startWithAuth(program);
      const client = connect({ endpoints: [member.endpoint], credentials: root });
      await client.put('k', '1');
      await member.stop();
      await member.restart();
      await client.put('k', '2');
      await member.stop();
      await member.restart();
      const watch = client.watch('k', { startRevision: 1n });
      for await (const event of watch) {
        if (event.type === 'put' && event.entry.string() === '2') break;
      }
      client.close();
    });
  });
}
