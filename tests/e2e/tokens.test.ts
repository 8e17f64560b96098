import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallOptions, ConnectError } from '@connectrpc/connect';
import { Permission_Type } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { knownDifference } from '../framework/known-differences.ts';
import { type MemberOptions, startBoth } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { type Api, apiOf } from './permission-calls.ts';

const real = realEtcd('3.5');
const TIMEOUT_MS = 60_000;
const bytes = (text: string) => new TextEncoder().encode(text);
const key = bytes('k');

/** A folder with an RSA key for tokens, and the flag that names it; gone after the test. */
async function keyFiles(): Promise<AsyncDisposable & { readonly flag: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'kvorum-jwt-'));
  const [pub, priv] = [join(folder, 'key.pub'), join(folder, 'key.pem')];
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(pub, publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(priv, privateKey.export({ type: 'pkcs1', format: 'pem' }));
  return {
    flag: `--auth-token=jwt,pub-key=${pub},priv-key=${priv},sign-method=RS256,ttl=60s`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Root with everything, alice with one key; authentication is on. */
async function enforce({ auth }: Api): Promise<void> {
  for (const name of ['root', 'alice']) await auth.userAdd({ name, password: name });
  await auth.userGrantRole({ user: 'root', role: 'root' });
  await auth.roleAdd({ name: 'one' });
  const perm = { key, permType: Permission_Type.READWRITE };
  await auth.roleGrantPermission({ name: 'one', perm });
  await auth.userGrantRole({ user: 'alice', role: 'one' });
  await auth.authEnable({});
}

async function tokenOf({ auth }: Api, name: string): Promise<string> {
  return (await auth.authenticate({ name, password: name })).token;
}

function as(token: string, header = 'token'): CallOptions {
  return { headers: { [header]: token } };
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => ConnectError.from(error).rawMessage,
  );
}

/** The header and the claims of a signed token. */
function partsOf(token: string): unknown[] {
  return token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
}

/** A member of each, started alike, with their users. */
async function withUsers<T>(
  flags: readonly string[],
  run: (etcd: Api, kvorum: Api) => Promise<T>,
): Promise<T> {
  if (real === undefined) throw new Error('no real etcd');
  const options: MemberOptions = { flags: ['--bcrypt-cost=4', ...flags] };
  await using both = await startBoth(real, options);
  using etcd = new TestClient(both.etcd.url);
  using kvorum = new TestClient(both.kvorum.url);
  const apis = [apiOf(etcd), apiOf(kvorum)] as const;
  for (const api of apis) await enforce(api);
  return await run(...apis);
}

describe.skipIf(real === undefined)('tokens', () => {
  it('that are simple look like those of etcd, and go in the same fields', {
    timeout: TIMEOUT_MS,
  }, async () => {
    knownDifference('bearer-token');
    knownDifference('token-to-come');
    await withUsers([], async (etcd, kvorum) => {
      for (const api of [etcd, kvorum]) {
        const token = await tokenOf(api, 'alice');
        expect(token).toMatch(/^[A-Za-z]{16}\.[0-9]+$/);
        const taken = [as(token), as(token, 'authorization')];
        const bearer = [as(`Bearer ${token}`), as(`Bearer ${token}`, 'authorization')];
        for (const options of api === kvorum ? [...taken, ...bearer] : taken) {
          expect(await outcomeOf(api.kv.put({ key }, options))).toBe('done');
        }
        const strangers = [token.slice(1), 'x.1', '', 'Bearer '];
        for (const other of api === kvorum ? [...strangers, `${token}0`] : strangers) {
          const outcome = await outcomeOf(api.kv.put({ key }, as(other)));
          expect(outcome, other).toBe('etcdserver: invalid auth token');
        }
      }
    });
  });

  it('that are signed say the same as those of etcd, and are taken from each other', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using files = await keyFiles();
    await withUsers([files.flag], async (etcd, kvorum) => {
      const [theirs, ours] = await Promise.all([etcd, kvorum].map((api) => tokenOf(api, 'alice')));
      const parts = [theirs, ours].map((token = '') => partsOf(token));
      const expiry = expect.any(Number);
      const claims = { username: 'alice', revision: 7, exp: expiry };
      expect(parts).toEqual([
        [{ alg: 'RS256', typ: 'JWT' }, claims],
        [{ alg: 'RS256', typ: 'JWT' }, claims],
      ]);
      for (const api of [etcd, kvorum]) {
        for (const token of [theirs, ours]) {
          expect(await outcomeOf(api.kv.put({ key }, as(token ?? '')))).toBe('done');
        }
      }
    });
  });

  it('that are signed end with the next change of users and roles, and not for root', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using files = await keyFiles();
    const script = async (api: Api) => {
      const [root, alice] = [as(await tokenOf(api, 'root')), as(await tokenOf(api, 'alice'))];
      const said = [await outcomeOf(api.kv.put({ key }, alice))];
      said.push(await outcomeOf(api.auth.roleAdd({ name: 'other' }, root)));
      said.push(await outcomeOf(api.kv.put({ key }, alice)));
      said.push(await outcomeOf(api.kv.range({ key }, alice)));
      said.push(await outcomeOf(api.kv.put({ key }, root)));
      said.push(await outcomeOf(api.auth.userList({}, root)));
      said.push(await outcomeOf(api.kv.put({ key }, as(await tokenOf(api, 'alice')))));
      said.push(await outcomeOf(api.auth.userDelete({ name: 'alice' }, root)));
      said.push(await outcomeOf(api.kv.range({ key }, alice)));
      return said;
    };
    await withUsers([files.flag], async (etcd, kvorum) => {
      const [theirs, ours] = await Promise.all([script(etcd), script(kvorum)]);
      expect(ours).toEqual(theirs);
      expect(ours[2]).toBe('etcdserver: revision of auth store is old');
    });
  });
});
