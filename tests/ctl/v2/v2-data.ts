import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEtcd, type TestMember } from '../../framework/member.ts';
import type { RealEtcd } from '../../framework/real-etcd.ts';
import { etcdctl, fillKeys, visibleState } from '../../interop/etcd-state.ts';
import { runKvctl } from '../in-process.ts';

export interface V2DataOptions {
  /** Entries between two snapshots. Default: so many that there is none. */
  readonly snapshotCount?: number;
  /** Ends the member without warning. Default false. */
  readonly killed?: boolean;
  /** Looks at the member before it ends. */
  readonly look?: (member: TestMember) => Promise<void>;
}

/** Makes the data folder of a real etcd with keys of both APIs, a lease and a user. */
export async function makeV2Data(
  real: RealEtcd,
  dataDir: string,
  { snapshotCount, killed = false, look }: V2DataOptions = {},
): Promise<void> {
  const count = snapshotCount === undefined ? [] : [`--snapshot-count=${snapshotCount}`];
  await using etcd = await startEtcd(real, { dataDir, flags: ['--enable-v2', ...count] });
  await setV2Keys(etcd, 0);
  await fillKeys(etcd, { keys: 300, leases: 2 });
  await setV2Keys(etcd, 100);
  await look?.(etcd);
  if (killed) await etcd.kill();
  else await etcd.stop();
}

/** Sets and removes keys of the v2 API, whose names have numbers from `first` on. */
export async function setV2Keys(etcd: Reachable, first: number): Promise<void> {
  const run = async (...args: readonly string[]) => {
    const env = { ETCDCTL_API: '2', ETCDCTL_ENDPOINTS: etcd.url };
    const { exitCode, stderr } = await runKvctl({ args, env });
    if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  };
  for (let n = first; n < first + 12; n++)
    await run('set', `/app/${n % 3}/key ${n}`, `wert „${n}“`);
  await run('set', '--ttl', '3600', `/lasting/${first}`, 'x'.repeat(2_000));
  await run('mkdir', `/empty/${first}`);
  await run('rm', `/app/0/key ${first % 3 === 0 ? first : first + 2}`);
}

/** All keys of the v2 API with their values; undefined for those of folders. */
export async function v2KeysOf({ url }: Reachable): Promise<Record<string, string | undefined>> {
  const answer = await fetch(`${url}/v2/keys/?recursive=true`);
  const { node } = (await answer.json()) as { node: V2Node };
  const found: Record<string, string | undefined> = {};
  const add = ({ key, value, nodes = [] }: V2Node): void => {
    if (key !== undefined) found[key] = value;
    for (const child of nodes) add(child);
  };
  add(node);
  return found;
}

/** A member, for those who only ask it. */
type Reachable = Pick<TestMember, 'url'>;

interface V2Node {
  readonly key?: string;
  readonly value?: string;
  readonly nodes?: readonly V2Node[];
}

/** What etcd shows, and of whom, when it is started on a backup and stopped again. */
export async function startedOn(real: RealEtcd, dataDir: string) {
  const flags = ['--enable-v2', '--force-new-cluster'];
  await using etcd = await startEtcd(real, { dataDir, flags });
  const v3 = await visibleState(real, etcd.endpoint);
  // It takes more keys.
  await setV2Keys(etcd, 1_000);
  const v2 = await v2KeysOf(etcd);
  const ids = await clusterIdsOf(real, etcd.endpoint);
  const members = (await etcdctl(real, etcd.endpoint, 'member', 'list')).length;
  await etcd.stop();
  return { v2, v3, ids, members };
}

/** The ids of a member and of its cluster. */
export async function clusterIdsOf(real: RealEtcd, endpoint: string): Promise<object> {
  const [json = ''] = await etcdctl(real, endpoint, 'member', 'list', '-w', 'json');
  const [, clusterId] = /"cluster_id":(\d+)/.exec(json) ?? [];
  const [, memberId] = /"member_id":(\d+)/.exec(json) ?? [];
  return { clusterId, memberId };
}

/** The last segment of the log in a data folder. */
export function walFile(dataDir: string): string {
  const dir = join(dataDir, 'member/wal');
  const names = readdirSync(dir).filter((name) => name.endsWith('.wal'));
  return join(dir, names.sort().at(-1) ?? '');
}
