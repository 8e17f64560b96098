import { type CallOptions, ConnectError, createClient } from '@connectrpc/connect';
import { Auth, Permission_Type } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import type { TestClient } from '../framework/client.ts';
import { TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';

const DENIED = 'etcdserver: permission denied';
const NOBODY = 'etcdserver: user name is empty';
const key = Buffer.from('k');
const lease = 77n;

function authOf(client: TestClient) {
  return createClient(Auth, client.transport);
}

async function login(client: TestClient, name: string): Promise<CallOptions> {
  const { token } = await authOf(client).authenticate({ name, password: name });
  return { headers: { token } };
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => ConnectError.from(error).rawMessage,
  );
}

/** What a renewal of the lease is answered with. */
async function renewed(client: TestClient, as: CallOptions): Promise<string> {
  const requests = async function* () {
    yield { ID: lease };
  };
  const answers = async () => {
    for await (const { TTL } of client.lease.leaseKeepAlive(requests(), as)) return `TTL ${TTL}`;
    return 'nothing';
  };
  return answers().catch((error: unknown) => ConnectError.from(error).rawMessage);
}

async function enforce(client: TestClient): Promise<void> {
  const auth = authOf(client);
  for (const name of ['root', 'reader', 'writer']) {
    await auth.userAdd({ name, password: name });
    if (name !== 'root') await auth.roleAdd({ name });
    await auth.userGrantRole({ user: name, role: name });
  }
  await auth.roleGrantPermission({
    name: 'writer',
    perm: { key, permType: Permission_Type.READWRITE },
  });
  await auth.roleGrantPermission({ name: 'reader', perm: { key, permType: Permission_Type.READ } });
  await auth.authEnable({});
}

describe('three members in processes of their own', () => {
  it('ask who calls at each of them, whoever leads, and after a restart', async () => {
    await using cluster = await TestCluster.start({ flags: ['--bcrypt-cost=4'] });
    const leader = await cluster.leader();
    const [away, other] = cluster.members.filter((member) => member !== leader);
    if (away === undefined || other === undefined) throw new Error('three members');
    using client = other.client();
    await enforce(client);
    const root = await login(client, 'root');
    const writer = await login(client, 'writer');
    const reader = await login(client, 'reader');
    await client.lease.leaseGrant({ ID: lease, TTL: 600n }, writer);
    await client.kv.put({ key, lease }, writer);
    for (const member of cluster.members) {
      using at = member.client();
      expect(await outcomeOf(at.kv.range({ key }))).toBe(NOBODY);
      expect(await outcomeOf(at.kv.range({ key }, reader))).toBe('done');
      expect(await outcomeOf(at.kv.put({ key, lease }, reader))).toBe(DENIED);
      expect(await outcomeOf(at.kv.put({ key, lease }, writer))).toBe('done');
      // What only the leader can do is passed on to it with who asks.
      expect(await renewed(at, writer)).toBe('TTL 600');
      expect(await renewed(at, reader)).toBe(DENIED);
      expect(await renewed(at, {})).toBe(NOBODY);
      expect(await outcomeOf(at.cluster.memberPromote({ ID: 1n }, writer))).toBe(DENIED);
      const unknown = 'etcdserver: member not found';
      expect(await outcomeOf(at.cluster.memberPromote({ ID: 1n }, root))).toBe(unknown);
    }
    await away.kill();
    await authOf(client).userRevokeRole({ name: 'writer', role: 'writer' }, root);
    await leader.kill();
    await away.restart();
    await eventually('somebody leads again', async () => {
      return (await outcomeOf(client.kv.range({ key }, { ...root, timeoutMs: 1000 }))) === 'done';
    });
    using back = away.client();
    const again = await login(back, 'writer');
    expect(await outcomeOf(back.kv.put({ key }, again))).toBe(DENIED);
    expect(await outcomeOf(back.kv.range({ key }, again))).toBe(DENIED);
    expect(await outcomeOf(back.kv.range({ key }, await login(back, 'reader')))).toBe('done');
  }, 60_000);

  it('let a new member ask, too', async () => {
    const flags = ['--bcrypt-cost=4', '--snapshot-count=5', '--snapshot-catchup-entries=5'];
    await using cluster = await TestCluster.start({ size: 1, flags });
    using client = cluster.member(0).client();
    await enforce(client);
    const root = await login(client, 'root');
    for (let i = 0; i < 30; i++) await client.kv.put({ key }, root);
    const place = await cluster.addPlace();
    await client.cluster.memberAdd({ peerURLs: [place.peerUrl] }, root);
    await place.restart(['--initial-cluster-state=existing']);
    using at = place.client();
    const from = (await client.maintenance.status({}, root)).leader.toString(16);
    expect(await place.metric(`etcd_network_snapshot_receive_success{From="${from}"}`)).toBe(1);
    expect(await outcomeOf(at.kv.range({ key, serializable: true }))).toBe(NOBODY);
    const reader = await login(at, 'reader');
    expect(await outcomeOf(at.kv.range({ key }, reader))).toBe('done');
    expect(await outcomeOf(at.kv.put({ key }, reader))).toBe(DENIED);
  }, 60_000);
});
