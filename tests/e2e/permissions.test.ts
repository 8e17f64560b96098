import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallOptions, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { knownDifference } from '../framework/known-differences.ts';
import { type MemberOptions, startBoth, startKvorum } from '../framework/member.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { type Api, apiOf, enforce, permissionCalls } from './permission-calls.ts';

const real = realEtcd('3.5');
const TIMEOUT_MS = 120_000;
const options: MemberOptions = { flags: ['--bcrypt-cost=4'] };

/** How callers are refused. */
const refusals: Readonly<Record<string, string>> = {
  nobody: '3: etcdserver: user name is empty',
  'a stranger': '16: etcdserver: invalid auth token',
};
const DENIED = '7: etcdserver: permission denied';

/** Callers who are refused by Kvorum and not, or not in these words, by etcd 3.5: by known difference and call. */
const refusedHere: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'more-calls-need-a-user': {
    Compact: 'nobody, plain, reader, writer, editor',
    LeaseGrant: 'nobody',
    'LeaseRevoke without keys': 'nobody',
    'LeaseKeepAlive without keys': 'nobody, a stranger',
    'LeaseKeepAlive of a key that roles are about': 'nobody, a stranger, plain, reader',
    'LeaseKeepAlive of a key elsewhere': 'nobody, a stranger, plain, reader, writer, editor',
    'LeaseTimeToLive without keys': 'nobody, a stranger',
    'LeaseTimeToLive of a key that roles are about': 'nobody, a stranger',
    'LeaseTimeToLive of a key elsewhere': 'nobody, a stranger',
    LeaseLeases: 'nobody, a stranger, plain, reader, writer, editor',
    'LeaseLeases, all of keys that roles are about': 'nobody, a stranger, plain, writer',
    MemberList: 'nobody, a stranger',
    'MemberList, linearizable': 'nobody, a stranger',
    Status: 'nobody, a stranger',
    'Alarm GET': 'nobody',
    'Alarm ACTIVATE': 'nobody, plain, reader, writer, editor',
    'Alarm DEACTIVATE': 'nobody, plain, reader, writer, editor',
    MoveLeader: 'nobody, a stranger, plain, reader, writer, editor',
    Downgrade: 'nobody, a stranger, plain, reader, writer, editor',
  },
  'refusals-of-maintenance': {
    Defragment: 'nobody, a stranger, plain, reader, writer, editor',
    Hash: 'nobody, a stranger, plain, reader, writer, editor',
    HashKV: 'nobody, a stranger, plain, reader, writer, editor',
    Snapshot: 'nobody, a stranger, plain, reader, writer, editor',
  },
  'permissions-inside-a-transaction': {
    'Txn, nested put own': 'nobody, plain, reader',
    'Txn, nested put foreign': 'nobody, plain, reader, writer, editor',
    'Txn, put with prev_kv': 'writer',
    'Txn, put with a lease of a key elsewhere': 'writer, editor',
    'Proclaim of a name that roles are about': 'editor',
  },
  'observers-hear-why': {
    'Observe of a name that roles are about': 'nobody, a stranger, plain, writer',
    'Observe elsewhere': 'nobody, a stranger, plain, reader, writer, editor',
  },
  'permission-before-password': {
    'UserAdd with a long password': 'nobody, a stranger, plain, reader, writer, editor',
  },
};

/** The same where a watcher is refused: in a response. */
const watchersRefusedHere = { 'Watch from a key on': ['reader', 'editor'] };
/** Callers that Kvorum tells and etcd 3.5 does not. */
const toldHere = { AuthStatus: ['nobody', 'plain', 'reader', 'writer', 'editor'] };

/** What became of a call, in few words. */
function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    (said) => (typeof said === 'string' && said !== '' ? said : 'done'),
    (error: unknown) => {
      const { code, rawMessage } = ConnectError.from(error);
      return `${code}: ${rawMessage}`;
    },
  );
}

function cellOf(call: string, caller: string): string {
  return `${call}, by ${caller}`;
}

/** What became of each call by each caller. */
async function outcomes(
  api: Api,
  callers: ReadonlyMap<string, CallOptions>,
): Promise<Map<string, string>> {
  const root = callers.get('root') ?? {};
  const found = new Map<string, string>();
  for (const { name, before, run } of permissionCalls) {
    for (const [caller, as] of callers) {
      await before?.(api, root);
      found.set(cellOf(name, caller), await outcomeOf(run(api, as, caller)));
    }
  }
  return found;
}

async function outcomesAt(url: string): Promise<Map<string, string>> {
  using client = new TestClient(url);
  const api = apiOf(client);
  return await outcomes(api, await enforce(api));
}

/** What Kvorum says where it differs, by the tables above. */
function differences(): Map<string, string> {
  const expected = new Map<string, string>();
  for (const [difference, calls] of Object.entries(refusedHere)) {
    knownDifference(difference);
    for (const [call, callers] of Object.entries(calls)) {
      for (const caller of callers.split(', ')) {
        const refusal = refusals[caller] ?? DENIED;
        // The services that are clients themselves have one status for all that they are refused for.
        const isOfClient = /^(Observe|Proclaim) /.test(call);
        expected.set(cellOf(call, caller), isOfClient ? refusal.replace(/^\d+/, '2') : refusal);
      }
    }
  }
  knownDifference('watch-from-a-key-on');
  for (const [call, callers] of Object.entries(watchersRefusedHere)) {
    const text = '-1: rpc error: code = PermissionDenied desc = etcdserver: permission denied';
    for (const caller of callers) expected.set(cellOf(call, caller), text);
  }
  knownDifference('auth-status-for-anybody');
  for (const [call, callers] of Object.entries(toldHere)) {
    for (const caller of callers) expected.set(cellOf(call, caller), 'done');
  }
  return expected;
}

async function compare(program: RealEtcd): Promise<void> {
  await using both = await startBoth(program, options);
  const [theirs, ours] = await Promise.all([
    outcomesAt(both.etcd.url),
    outcomesAt(both.kvorum.url),
  ]);
  expect(theirs.size).toBeGreaterThan(600);
  const differing = [...ours].filter(([cell, outcome]) => theirs.get(cell) !== outcome);
  const inOrder = (cells: Iterable<[string, string]>) => [...cells].sort();
  expect(inOrder(differing)).toEqual(inOrder(differences()));
}

/** All bytes of the files in a folder. */
async function contentOf(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Buffer.concat(
    await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name)))),
  );
}

describe.skipIf(real === undefined)('what each method asks of its caller', () => {
  it('is what etcd asks', { timeout: TIMEOUT_MS }, async () => {
    if (real === undefined) throw new Error('no real etcd');
    await compare(real);
  });
});

describe('a member that asks who calls', () => {
  it('streams to those that may read', { timeout: TIMEOUT_MS }, async () => {
    await using kvorum = await startKvorum(options);
    using client = new TestClient(kvorum.url);
    const api = apiOf(client);
    const key = new TextEncoder().encode('a/key');
    for (const [caller, as] of await enforce(api)) {
      const streamed = async () => {
        for await (const { rangeResponse } of api.kv.rangeStream({ key }, as)) {
          expect(rangeResponse?.count).toBe(0n);
        }
      };
      expect(await outcomeOf(streamed()), caller).toBe(await outcomeOf(api.kv.range({ key }, as)));
    }
  });

  it('asks on every way in', { timeout: TIMEOUT_MS }, async () => {
    await using kvorum = await startKvorum(options);
    using client = new TestClient(kvorum.url);
    const callers = await enforce(apiOf(client));
    const tokenOf = (name: string) => new Headers(callers.get(name)?.headers).get('token') ?? '';
    const post = async (headers: Record<string, string>) => {
      const response = await fetch(`${kvorum.url}/etcdserverpb.KV/Range`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ key: btoa('a/key') }),
      });
      const { code = 'done', message = '' } = (await response.json()) as Record<string, string>;
      return `${code} ${message}`.trim();
    };
    expect(await post({})).toBe('invalid_argument etcdserver: user name is empty');
    const denied = 'permission_denied etcdserver: permission denied';
    expect(await post({ authorization: tokenOf('writer') })).toBe(denied);
    for (const token of [tokenOf('reader'), `Bearer ${tokenOf('reader')}`]) {
      expect(await post({ authorization: token })).toBe('done');
      expect(await post({ token })).toBe('done');
    }
  });

  it('has no password in its data or its log', { timeout: TIMEOUT_MS }, async () => {
    await using kvorum = await startKvorum({ flags: ['--bcrypt-cost=4', '--log-level=debug'] });
    using client = new TestClient(kvorum.url);
    const { auth } = apiOf(client);
    const secrets = ['first-secret', 'second-secret', 'unused-secret'] as const;
    const [first, second, unused] = secrets;
    await auth.userAdd({ name: 'root', password: first });
    await auth.userAdd({ name: 'proxy', password: unused, options: { noPassword: true } });
    await auth.userChangePassword({ name: 'root', password: second });
    await auth.userGrantRole({ user: 'root', role: 'root' });
    await auth.authEnable({});
    await auth.authenticate({ name: 'root', password: second });
    await kvorum.stop();
    const content = await contentOf(kvorum.dataDir);
    expect(content.includes('proxy')).toBe(true);
    const lines = ['added a user', 'changed a password of a user', 'enabled authentication'];
    for (const line of lines) expect(kvorum.process.stderr.text).toContain(line);
    for (const secret of secrets) {
      expect(content.includes(secret), secret).toBe(false);
      expect(kvorum.process.stderr.text, secret).not.toContain(secret);
    }
  });
});
