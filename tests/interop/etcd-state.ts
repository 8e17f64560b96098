import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { PutRequestSchema, RequestOpSchema } from '@kvorum/api';
import { TestClient } from '../framework/client.ts';
import type { TestMember } from '../framework/member.ts';
import type { RealEtcd } from '../framework/real-etcd.ts';

/** How much is written; the full size is that of a busy cluster. */
export interface StateSize {
  readonly keys: number;
  readonly leases: number;
}

const execute = promisify(execFile);
const LARGEST_ANSWER_BYTES = 1024 * 1024 * 1024;
const LIFETIME_MS = 300_000;
/** Operations that etcd takes in one transaction by default. */
const OPS_PER_TXN = 128;

/** Lines that the real etcdctl writes to standard output. Rejects when it fails, with what it says. */
export async function etcdctl(
  real: RealEtcd,
  endpoint: string,
  ...args: readonly string[]
): Promise<readonly string[]> {
  return (await outputOf(real, endpoint, args)).split('\n').slice(0, -1);
}

async function outputOf(
  { etcdctl: program }: RealEtcd,
  endpoint: string,
  args: readonly string[],
): Promise<string> {
  const env = { ETCDCTL_ENDPOINTS: endpoint };
  const options = { env, maxBuffer: LARGEST_ANSWER_BYTES, timeout: LIFETIME_MS };
  return (await execute(program, args, options)).stdout;
}

/** Fills a member of etcd with all that a snapshot can hold: keys and leases, users and roles. */
export async function fillEtcd(
  real: RealEtcd,
  member: Pick<TestMember, 'endpoint' | 'url'>,
  size: StateSize,
): Promise<void> {
  await fillKeys(member, size);
  const run = (...args: string[]) => etcdctl(real, member.endpoint, ...args);
  await run('role', 'add', 'reader');
  await run('role', 'grant-permission', 'reader', 'read', 'key/', '--prefix');
  await run('user', 'add', 'root:secret');
  await run('user', 'add', 'ann:secret');
  await run('user', 'grant-role', 'ann', 'reader');
}

/**
 * Fills a member, of etcd or Kvorum, with versions, deletions, values of many pages, bytes of all kinds and keys with
 * leases, and compacts it.
 */
export async function fillKeys(
  member: Pick<TestMember, 'url'>,
  { keys, leases }: StateSize,
): Promise<void> {
  using client = new TestClient(member.url);
  const granted: bigint[] = [];
  for (let i = 0; i < leases; i++) {
    const id = 1_000n + BigInt(i) * 0x1234_5678_9abn;
    granted.push((await client.lease.leaseGrant({ ID: id, TTL: BigInt(3_600 + 60 * i) })).ID);
  }
  const put = async (numbers: readonly number[], round: number) => {
    for (let at = 0; at < numbers.length; at += OPS_PER_TXN) {
      const success = numbers.slice(at, at + OPS_PER_TXN).map((n) => {
        const key = Buffer.concat([
          Buffer.from(`key/${n % 97}/${n}/`),
          Buffer.of(n % 256, 0, n % 7),
        ]);
        const value = Buffer.alloc((n * 31 + round) % 300, n);
        const lease = n % 5 === 0 ? (granted[n % leases] ?? 0n) : 0n;
        const request = create(PutRequestSchema, { key, value, lease });
        return create(RequestOpSchema, { request: { case: 'requestPut', value: request } });
      });
      await client.kv.txn({ success });
    }
  };
  const all = Array.from({ length: keys }, (_, n) => n);
  await put(all, 0);
  await put(
    all.filter((n) => n % 10 === 3),
    1,
  );
  const range = { key: Buffer.from('key/13/'), rangeEnd: Buffer.from('key/14/') };
  await client.kv.deleteRange(range);
  await client.kv.put({ key: Buffer.from('large'), value: Buffer.alloc(300_000, 0xa5) });
  const { header } = await client.kv.put({ key: Buffer.from('gone'), value: Buffer.from('x') });
  await client.kv.deleteRange({ key: Buffer.from('gone') });
  await client.kv.compact({ revision: header?.revision ?? 0n, physical: true });
  await put(
    all.filter((n) => n % 10 === 7),
    2,
  );
  await client.kv.put({ key: Buffer.from('last'), value: Buffer.from('') });
}

/** All that clients see of a member, but for ids of the cluster: pairs with their numbers, hashes, leases. */
export async function visibleState(real: RealEtcd, endpoint: string): Promise<unknown> {
  const run = (...args: string[]) => etcdctl(real, endpoint, ...args);
  const { revision, pairs } = await allPairs(real, endpoint);
  const [hashes = '[]'] = await run('endpoint', 'hashkv', '-w', 'json', '--command-timeout=280s');
  const { hash, compact_revision } = JSON.parse(hashes)[0].HashKV;
  const ids = (await run('lease', 'list')).slice(1).sort();
  const leases = [];
  for (const id of ids) {
    const [text = '{}'] = await run('lease', 'timetolive', id, '--keys', '-w', 'json');
    const { 'granted-ttl': granted, keys } = JSON.parse(text);
    leases.push({ id, granted, keys: [...(keys ?? [])].sort() });
  }
  return { revision, pairs, hash, compact_revision, leases };
}

/** Every pair with its numbers, one a line, as etcdctl got them. */
async function allPairs(
  real: RealEtcd,
  endpoint: string,
): Promise<{ revision: number; pairs: string[] }> {
  const args = ['get', '', '--from-key', '-w', 'json', '--command-timeout=280s'];
  const stdout = await outputOf(real, endpoint, args);
  const at = stdout.indexOf('"kvs":');
  const revision = Number(/"revision":(\d+)/.exec(stdout.slice(0, at))?.[1]);
  return { revision, pairs: stdout.slice(at).split('},{') };
}
