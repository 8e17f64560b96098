import { beforeEach, describe, expect, it } from 'vitest';
import { JoinScene, shown } from '../testing/join-scene.ts';
import { MemoryRegistry } from '../testing/memory-registry.ts';
import { joinByRegistry } from './join.ts';

const sizeAt = '/_etcd/registry/tkn/_config/size';

let registry: MemoryRegistry;
let scene: JoinScene;
beforeEach(() => {
  registry = new MemoryRegistry();
  scene = new JoinScene();
});

function join(memberId: string, entry: string, stop?: AbortSignal) {
  const deps = { registry, clock: scene.clock, logger: scene.logger, stop };
  return joinByRegistry({ token: 'tkn', memberId, entry }, deps);
}

describe('members that register under a token', () => {
  it('found a cluster when all have come', async () => {
    await registry.put(sizeAt, '3');
    const a = join('a', 'n1=http://h1:1');
    const c = join('c', 'n2=http://h2:1,n2=http://h2:2');
    await scene.settled();
    expect(scene.lines('waiting for peers from discovery service')).toContainEqual(
      expect.objectContaining({ fields: { clusterSize: 3, 'found-peers': 2 } }),
    );
    const b = join('b', 'n3=http://h3:1');
    const all = 'n1=http://h1:1,n2=http://h2:1,n2=http://h2:2,n3=http://h3:1';
    expect((await scene.ended(Promise.all([a, b, c]))).map(shown)).toEqual([all, all, all]);
  });

  it('say while they wait how many they are', async () => {
    await registry.put(sizeAt, '2');
    const stop = new AbortController();
    const joining = join('a', 'n1=http://h1:1', stop.signal);
    joining.catch(() => {});
    await scene.settled();
    await scene.time.run(35_000);
    expect(scene.lines('waiting for peers from discovery service')).toHaveLength(4);
    await registry.put('/_etcd/registry/tkn/members/b', 'n2=http://h2:1');
    expect(shown(await scene.ended(joining))).toBe('n1=http://h1:1,n2=http://h2:1');
    expect(scene.lines('found all needed peers from discovery service')).toHaveLength(1);
  });

  it('are those that came first', async () => {
    await registry.put(sizeAt, '1');
    await registry.put('/_etcd/registry/tkn/members/a', 'n1=http://h1:1');
    await expect(join('b', 'n2=http://h2:1')).rejects.toMatchObject({
      code: 'full',
      message: 'failed to join discovery cluster (discovery: cluster is full)',
      reason: 'discovery: cluster is full',
    });
    expect((await registry.list('/_etcd/registry/tkn/members')).entries).toHaveLength(1);
    // One that has registered is let in again.
    expect(shown(await scene.ended(join('a', 'n1=http://h1:1')))).toBe('n1=http://h1:1');
  });

  it('are surplus when others were quicker', async () => {
    await registry.put(sizeAt, '2');
    const joining = ['c', 'b', 'a'].map((id, i) => join(id, `n${id}=http://h${i}:1`));
    const results = await scene.ended(Promise.allSettled(joining));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results.at(-1)).toMatchObject({ reason: { code: 'full' } });
  });

  it('try again for as long as the registry fails, ever less often', async () => {
    await registry.put(sizeAt, '1');
    registry.failing = 10;
    await scene.ended(join('a', 'n1=http://h1:1'));
    const pauses = scene.lines('retry connecting to discovery service').map(({ fields }) => fields);
    expect(pauses.map(({ backoff }) => backoff)).toEqual(
      [2, 4, 8, 16, 32, 64, 128, 256, 256, 256].map((seconds) => `${seconds}s`),
    );
    expect(pauses[0]).toMatchObject({ reason: 'cluster status check' });
  });

  it('go on with waiting when the watch breaks', async () => {
    await registry.put(sizeAt, '2');
    const joining = join('a', 'n1=http://h1:1');
    await scene.settled();
    registry.breakWatch();
    await scene.settled();
    await registry.put('/_etcd/registry/tkn/members/b', 'n2=http://h2:1');
    expect(shown(await scene.ended(joining))).toBe('n1=http://h1:1,n2=http://h2:1');
    expect(scene.lines('error while waiting for peers')).toHaveLength(1);
  });

  it('pass over what is no member', async () => {
    await registry.put(sizeAt, '2');
    const joining = join('a', 'n1=http://h1:1');
    await scene.settled();
    await registry.put('/_etcd/registry/tkn/members/x', 'nonsense');
    await registry.put('/_etcd/registry/tkn/members/a', 'n1=http://h1:1');
    await registry.put('/_etcd/registry/tkn/members/b', 'n2=http://h2:1');
    expect(shown(await scene.ended(joining))).toBe('n1=http://h1:1,n2=http://h2:1');
    expect(scene.lines('invalid peer info returned from discovery service')).toHaveLength(1);
    expect(scene.lines('found duplicate peer from discovery service')).toHaveLength(1);
  });

  it.each([true, false])('stop when they are told to; waiting for others: %s', async (waits) => {
    if (waits) await registry.put(sizeAt, '2');
    else registry.failing = 9;
    const stop = new AbortController();
    const joining = join('a', 'n1=http://h1:1', stop.signal);
    joining.catch(() => {});
    await scene.settled();
    stop.abort(new Error('asked to'));
    registry.breakWatch();
    await expect(joining).rejects.toThrow('asked to');
  });
});

describe('what is wrong with a token', () => {
  const members = '/_etcd/registry/tkn/members';
  it.each([
    { size: undefined, code: 'sizeNotFound', reason: 'discovery: size key not found' },
    { size: 'three', code: 'badSize', reason: 'discovery: size key is bad' },
    { size: '0', code: 'badSize', reason: 'discovery: size key is bad' },
    { size: '-1', code: 'badSize', reason: 'discovery: size key is bad' },
    {
      size: '2',
      other: 'n1=http://h2:1',
      code: 'duplicateName',
      reason: 'discovery: found duplicate name',
    },
    { size: '2', other: 'n2=h2', code: 'invalidUrl', reason: 'discovery: invalid peer URL' },
  ])('is told: $reason, of $size and $other', async ({ size, other, code, reason }) => {
    if (size !== undefined) await registry.put(sizeAt, size);
    if (other !== undefined) await registry.put(`${members}/b`, other);
    const joining = scene.ended(join('a', 'n1=http://h1:1'));
    const message = `failed to join discovery cluster (${reason})`;
    await expect(joining).rejects.toMatchObject({ code, reason, message });
  });

  it('is told: two members at one place', async () => {
    await registry.put(sizeAt, '2');
    await registry.put(`${members}/b`, 'n2=http://h1:1');
    await expect(scene.ended(join('a', 'n1=http://h1:1'))).rejects.toThrow(
      'discovery cluster n1=http://h1:1,n2=http://h1:1 has duplicate url',
    );
  });

  it('is not tried again when the registry refuses', async () => {
    registry.isLocked = true;
    await expect(join('a', 'n1=http://h1:1')).rejects.toMatchObject({
      code: 'refused',
      message: 'failed to join discovery cluster (etcdserver: permission denied)',
    });
  });
});
