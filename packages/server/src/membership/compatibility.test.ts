import { describe, expect, it } from 'vitest';
import type { EndpointUrl } from '../config/endpoint-url.ts';
import type { Member } from './cluster.ts';
import { refuseIncompatible } from './compatibility.ts';

const [A, B, B2, C] = ['http://a:2380', 'http://b:2380', 'http://b2:2380', 'http://c:2380'];

function member(id: bigint, ...peerUrls: string[]): Member {
  return { id, name: '', peerUrls, clientUrls: [], isLearner: false };
}

const joining = {
  owner: { memberId: 0xcn, clusterId: 1n },
  members: [member(0xan, A), member(0xbn, B, B2), member(0xcn, C)],
};

/** Asks a cluster whose pages are these, by URL; there is no answer from any other. */
async function check(pages: Record<string, string>): Promise<string[]> {
  const asked: string[] = [];
  const get = async ({ href }: EndpointUrl, path: string) => {
    asked.push(href + path);
    const body = pages[href];
    if (body === undefined) throw new Error('connection refused');
    return { status: body.startsWith('404') ? 404 : 200, headers: {}, body };
  };
  await refuseIncompatible(joining, { get });
  return asked;
}

const of = (version: unknown) => JSON.stringify({ etcdserver: '3.9.9', etcdcluster: version });

describe('a member that joins', () => {
  it('asks everybody else, at the next URL where one does not answer', async () => {
    const asked = await check({ [A]: of('3.7.0'), [B2]: of('3.6.0') });
    expect(asked).toEqual([A, B, B2].map((url) => `${url}/version`));
  });

  it.each([
    ['one answers', { [A]: of('3.7.0') }],
    ['the cluster is older', { [A]: of('3.0.0'), [B]: of('3.4.0') }],
    ['one has not heard of a version yet', { [A]: of('not_decided'), [B]: of('3.7.0') }],
  ])('is let in when %s', async (_when, pages) => {
    await expect(check(pages)).resolves.toBeDefined();
  });

  it.each<[string, Record<string, string>, string]>([
    ['nobody answers', {}, 'no member of it tells its version'],
    [
      'nobody tells a version',
      { [A]: of('not_decided'), [B]: of(3), [B2]: '404' },
      'no member of it tells its version',
    ],
    ['answers are no pages', { [A]: '<html>', [B]: 'null' }, 'no member of it tells its version'],
    ['the cluster is newer', { [A]: of('3.8.0') }, 'a says that it is 3.8.0'],
    ['it is too old', { [A]: of('2.3.8'), [B]: of('3.0.0') }, 'a says that it is 2.3.8'],
    [
      'two say so',
      { [A]: of('4.0.0'), [B]: of('3.8.0') },
      'a says that it is 4.0.0, b says that it is 3.8.0',
    ],
  ])('is refused when %s', async (_when, pages, reason) => {
    await expect(check(pages)).rejects.toThrow(
      `incompatible with current running cluster: ${reason}; this member takes part in clusters of version 3.0.0 to 3.7.0`,
    );
  });
});
