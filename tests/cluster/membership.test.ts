import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from '../framework/client.ts';
import { type ClusterMember, TestCluster } from '../framework/cluster.ts';
import { Etcdctl } from '../framework/etcdctl.ts';
import { eventually } from '../framework/eventually.ts';
import { realEtcd } from '../framework/real-etcd.ts';

const real = realEtcd('3.5');
const bytes = (text: string) => Buffer.from(text);

describe.skipIf(real === undefined)('the real etcdctl with a cluster', () => {
  let cluster: TestCluster;
  const at = (...members: readonly ClusterMember[]) =>
    new Etcdctl(real as NonNullable<typeof real>, members.map((one) => one.endpoint).join(','));
  const all = () => at(...cluster.members);

  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  /** Runs a command and expects that it succeeds; returns what it printed. */
  async function run(ctl: Etcdctl, ...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await ctl.run(...args);
    expect([status.code, ...stderr.filter((line) => line.startsWith('Error'))]).toEqual([0]);
    return stdout.join('\n');
  }

  it('lists members, their status and their health', async () => {
    const list = await run(at(cluster.member(1)), 'member', 'list', '-w', 'table');
    for (const { name, url, peerUrl } of cluster.members) {
      expect(list).toMatch(new RegExp(`started \\| *${name} \\| *${peerUrl} \\| *${url} `));
    }
    const status = await run(all(), 'endpoint', 'status', '-w', 'table');
    expect(status.match(/ true \|/g)).toHaveLength(1);
    const health = await at(cluster.member(2)).run('endpoint', 'health', '--cluster');
    expect(
      health.stdout
        .concat(health.stderr)
        .join('\n')
        .match(/is healthy/g),
    ).toHaveLength(3);
    const hashes = await run(all(), 'endpoint', 'hashkv', '-w', 'json');
    const values = (JSON.parse(hashes) as { HashKV: { hash: number } }[]).map((x) => x.HashKV.hash);
    expect(new Set(values).size).toBe(1);
  });

  it('moves the leadership, asked of the leader alone', async () => {
    const leader = await cluster.leader();
    const other = cluster.member((leader.index + 1) % 3);
    const id = await idOf(other);
    const refused = await at(other).run('move-leader', id);
    expect(refused.stderr.join('\n')).toContain('no leader endpoint given');
    await run(all(), 'move-leader', id);
    expect((await cluster.leader()).name).toBe(other.name);
  });

  it('keeps leases alive and looks at them at a follower', async () => {
    const leader = await cluster.leader();
    const follower = cluster.member((leader.index + 1) % 3);
    const granted = await run(at(follower), 'lease', 'grant', '300');
    const id = /lease (\S+) granted/.exec(granted)?.[1] ?? '';
    await run(at(follower), 'put', 'leased', 'x', `--lease=${id}`);
    const once = await run(at(follower), 'lease', 'keep-alive', '--once', id);
    expect(once).toContain(`lease ${id} keepalived with TTL(300)`);
    const left = await run(at(follower), 'lease', 'timetolive', '--keys', id);
    expect(left).toMatch(
      /granted with TTL\(300s\), remaining\((299|300)s\), attached keys\(\[leased\]\)/,
    );
    await run(at(follower), 'lease', 'revoke', id);
    expect(await run(at(leader), 'get', 'leased')).toBe('');
    const gone = await at(follower).run('lease', 'keep-alive', '--once', id);
    expect(gone.stdout.concat(gone.stderr).join('\n')).toContain('requested lease not found');
  });

  it('replaces a member by a learner that becomes a voter', async () => {
    for (let i = 0; i < 20; i++) await run(all(), 'put', `k${i}`, 'v');
    const leader = await cluster.leader();
    const victim = cluster.member((leader.index + 1) % 3);
    const others = cluster.members.filter((member) => member !== victim);
    const ctl = at(...others);
    // A member counts as connected after 5 s without a break.
    await eventually(
      'the removal of a member',
      async () => {
        const { status, stderr } = await ctl.run('member', 'remove', await idOf(victim));
        if (status.code !== 0) expect(stderr.join('\n')).toContain('unhealthy cluster');
        return status.code === 0;
      },
      20_000,
    );
    // It hears of it, and ends by itself.
    expect(await victim.process.exited).toEqual({ code: 0, signal: null });
    expect(victim.process.stderr.text).toContain('permanently removed from the cluster');
    cluster.drop(victim);
    const place = await cluster.addPlace();
    const added = await run(
      ctl,
      'member',
      'add',
      place.name,
      '--learner',
      `--peer-urls=${place.peerUrl}`,
    );
    expect(added).toContain('ETCD_INITIAL_CLUSTER_STATE="existing"');
    const tooMany = await ctl.run(
      'member',
      'add',
      'x',
      '--learner',
      '--peer-urls=http://127.0.0.1:1',
    );
    expect(tooMany.stderr.join('\n')).toContain('too many learner members in cluster');
    await place.restart(['--initial-cluster-state=existing']);
    await checkLearner(place);
    const id = await idOf(place);
    const anyone = at(others.find((one) => one !== leader) ?? leader);
    await eventually('the promotion', async () => {
      const { status, stderr } = await anyone.run('member', 'promote', id);
      if (status.code !== 0) throw new Error(stderr.join('\n'));
      return true;
    });
    expect(await run(at(place), 'get', 'k19')).toBe('k19\nv');
    expect(await run(at(place), 'member', 'list')).not.toContain('true');
    const notLearner = await ctl.run('member', 'promote', id);
    expect(notLearner.stderr.join('\n')).toContain('can only promote a learner member');
    // Its own log now holds the cluster: it comes back without anybody's word.
    await place.kill();
    await place.restart();
    await run(at(place), 'put', 'after', 'x');
  }, 90_000);

  async function checkLearner(place: ClusterMember): Promise<void> {
    using client: TestClient = place.client();
    const key = bytes('k19');
    expect((await client.maintenance.status({})).isLearner).toBe(true);
    expect((await client.kv.range({ key, serializable: true })).count).toBe(1n);
    await expect(client.kv.range({ key })).rejects.toThrow('rpc not supported for learner');
    await expect(client.kv.put({ key })).rejects.toThrow('rpc not supported for learner');
  }

  async function idOf(member: ClusterMember): Promise<string> {
    // A learner doesn't tell.
    const list = await at(await cluster.leader()).run('member', 'list');
    const line = list.stdout.find((one) => one.includes(member.peerUrl));
    return line?.split(',')[0] ?? '';
  }
});

describe('a member that has lost its data', () => {
  it('is told what to do', async () => {
    await using cluster = await TestCluster.start();
    const [first, second, third] = [cluster.member(0), cluster.member(1), cluster.member(2)];
    await first.kill();
    await second.kill();
    await rm(first.dataDir, { recursive: true });
    await first.spawn();
    expect((await first.process.exited).code).toBe(1);
    expect(first.process.stderr.text).toContain('has already been bootstrapped');
    expect(first.process.stderr.text).toContain('etcdctl member remove');
    // With nobody to tell it so it begins anew, as with etcd, and hears of its past when it is too late.
    await third.kill();
    await first.spawn();
    await first.process.stderr.line(/opened storage/);
    await Promise.all([second.restart(), third.restart(), first.ready()]);
    expect(first.process.stderr.text).toContain('writes that it had acknowledged may be lost');
  });
});

describe('--force-new-cluster', () => {
  it('makes a cluster of what one member has', async () => {
    await using cluster = await TestCluster.start();
    const [first, second, third] = [0, 1, 2].map((index) => cluster.member(index));
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three');
    using before = first.client();
    await before.kv.put({ key: bytes('k'), value: bytes('v') });
    await Promise.all(cluster.members.map((member) => member.kill()));
    await first.restart(['--force-new-cluster']);
    using client = first.client();
    const { kvs } = await client.kv.range({ key: bytes('k') });
    expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('v');
    const { members } = await client.cluster.memberList({});
    expect(members.map(({ name }) => name)).toEqual(['m1']);
    await client.kv.put({ key: bytes('k'), value: bytes('alone') });
    await first.kill();
    await first.restart();
    using again = first.client();
    expect((await again.cluster.memberList({})).members).toHaveLength(1);
  });
});
