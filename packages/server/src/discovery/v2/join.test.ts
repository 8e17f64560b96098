import { beforeEach, describe, expect, it } from 'vitest';
import { JoinScene, shown } from '../testing/join-scene.ts';
import { MemoryTokenKeys } from '../testing/memory-token-keys.ts';
import { joinByToken } from './join.ts';

let keys: MemoryTokenKeys;
let scene: JoinScene;
beforeEach(() => {
  keys = new MemoryTokenKeys();
  scene = new JoinScene();
});

function join(memberId: string, entry: string, stop?: AbortSignal) {
  const deps = { keys, clock: scene.clock, logger: scene.logger, stop };
  return joinByToken({ serviceUrl: 'http://d', memberId, entry }, deps);
}

describe('members that register under a token URL', () => {
  it('found a cluster when all have come, those that came first', async () => {
    keys.size = '2';
    const c = join('c', 'n3=http://h3:1');
    await scene.settled();
    expect(
      scene.lines('found peers from discovery server; waiting for more').at(-1)?.fields,
    ).toEqual({
      'discovery-url': 'http://d',
      'found-peers': 1,
      'needed-peers': 1,
    });
    const late = [join('a', 'n1=http://h1:1'), join('b', 'n2=http://h2:1')];
    const results = await scene.ended(Promise.allSettled([c, ...late]));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({ reason: { code: 'full' } });
    expect(shown(await c)).toBe('n1=http://h1:1,n3=http://h3:1');
  });

  it('leave no trace when the cluster is full', async () => {
    keys.size = '1';
    await keys.create('a', 'n1=http://h1:1');
    const text = 'failed to join discovery cluster (discovery: cluster is full)';
    await expect(join('b', 'n2=http://h2:1')).rejects.toThrow(text);
    expect((await keys.list()).keys).toHaveLength(2);
  });

  it('are not let in twice, unless it is only the answer that was lost', async () => {
    keys.size = '1';
    keys.losesAnswer = true;
    expect(shown(await scene.ended(join('a', 'n1=http://h1:1')))).toBe('n1=http://h1:1');
    await expect(join('a', 'n1=http://h1:1')).rejects.toMatchObject({
      code: 'duplicateId',
      message: 'failed to join discovery cluster (discovery: found duplicate id)',
    });
  });

  it('try again for as long as the service fails', async () => {
    keys.size = '1';
    keys.failing = 3;
    await scene.ended(join('a', 'n1=http://h1:1'));
    const pauses = scene.lines('retry connecting to discovery service').map(({ fields }) => fields);
    expect(pauses).toEqual(
      ['2s', '4s', '8s'].map((backoff) => {
        return { url: 'http://d', reason: 'cluster status check', backoff };
      }),
    );
  });

  it('go on with waiting when a wait breaks, or ends with nothing', async () => {
    keys.size = '2';
    const joining = join('a', 'n1=http://h1:1');
    await scene.settled();
    keys.failing = 1;
    keys.emptyWaits = 2;
    keys.wake();
    await scene.settled();
    expect(scene.lines('error while waiting for peers')).toHaveLength(1);
    await scene.time.run(30_000);
    await keys.create('b', 'n2=http://h2:1');
    expect(shown(await scene.ended(joining))).toBe('n1=http://h1:1,n2=http://h2:1');
  });

  it('stop when they are told to', async () => {
    keys.failing = 9;
    const stop = new AbortController();
    const joining = join('a', 'n1=http://h1:1', stop.signal);
    joining.catch(() => {});
    await scene.settled();
    stop.abort(new Error('asked to'));
    await expect(joining).rejects.toThrow('asked to');
  });

  it.each([
    { code: 'sizeNotFound', reason: '100: Key not found (/tkn) [1]' },
    { size: 'x', code: 'badSize', reason: 'discovery: size key is bad' },
    { size: '0', code: 'badSize', reason: 'discovery: size key is bad' },
    { size: '2', entry: 'n2=http://h2:1', code: 'duplicateName' },
    { size: '2', entry: 'n1=h1', code: 'invalidUrl', reason: 'discovery: invalid URL' },
  ])('are told what is wrong: $code of $size', async ({ size, entry, code, reason }) => {
    keys.size = size;
    await keys.create('z', entry ?? 'n1=http://h1:1');
    const name = code === 'duplicateName' ? 'discovery: found duplicate name' : reason;
    await expect(scene.ended(join('a', 'n2=http://h3:1'))).rejects.toMatchObject({
      code,
      reason: name,
    });
  });
});
