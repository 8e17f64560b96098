import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDifference } from '../framework/known-differences.ts';
import type { TestMember } from '../framework/member.ts';
import { parseStep } from './key-requests.ts';
import { canonical, type RawResponse, send } from './raw-request.ts';
import { hasEtcd, startV2Servers, type V2Servers } from './servers.ts';

/** A watch that has begun, when it was asked for. */
interface OpenWatch {
  readonly begun: Promise<void>;
  readonly answer: Promise<RawResponse>;
}

/** Watches, and leaves after so many events. */
function watch({ url }: TestMember, target: string, events = 1): OpenWatch {
  const begun = Promise.withResolvers<void>();
  const until = (body: string) => body.split('\n').length > events;
  const request = { method: 'GET', target: `/v2/keys${target}` };
  const answer = send(url, request, { until, onHeaders: begun.resolve });
  answer.catch(begun.reject);
  return { begun: begun.promise, answer };
}

/** What watches hear of changes at one server. */
async function hear(
  server: TestMember,
  watches: readonly (readonly [target: string, events: number])[],
  changes: readonly string[],
): Promise<object[]> {
  const opened: OpenWatch[] = [];
  for (const [target, events] of watches) {
    const one = watch(server, target, events);
    await one.begun;
    opened.push(one);
  }
  for (const change of changes) await send(server.url, parseStep(change));
  return await Promise.all(opened.map(async ({ answer }) => canonical(await answer)));
}

describe.skipIf(!hasEtcd)('watching the v2 keys, beside etcd', () => {
  let servers: V2Servers;
  beforeAll(async () => {
    servers = await startV2Servers();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  it.each([
    {
      name: 'a key',
      watches: [['/key?wait=true', 1]],
      changes: ['PUT /other value=1', 'PUT /keynot value=1', 'PUT /key value=1'],
    },
    {
      name: 'a directory, which is another thing than what is in it',
      watches: [
        ['/d1?wait=true', 1],
        ['/d1?wait=true&recursive=true', 1],
      ],
      changes: ['PUT /d1/a value=1', 'DELETE /d1?recursive=true'],
    },
    {
      name: 'everything',
      watches: [
        ['/?wait=true&recursive=true', 1],
        ['?wait=true&recursive=true', 1],
      ],
      changes: ['PUT /every/thing value=1'],
    },
    {
      name: 'nothing hidden',
      watches: [
        ['/h?wait=true&recursive=true', 1],
        ['/h/_x?wait=true', 1],
        ['/h/_x?wait=true&recursive=true', 1],
        ['/h/_y?wait=true&recursive=true', 1],
      ],
      changes: ['PUT /h/_x value=1', 'PUT /h/_y/z value=2', 'PUT /h/shown value=3'],
    },
    {
      name: 'the end of a directory above',
      watches: [
        ['/gone/a?wait=true', 1],
        ['/gone/b/c?wait=true&recursive=true', 1],
        ['/gone/never?wait=true&waitIndex=100000', 0],
        ['/gone?wait=true&recursive=true', 1],
      ],
      changes: ['DELETE /gone?recursive=true'],
      before: ['PUT /gone/a value=1', 'PUT /gone/b/c value=2'],
    },
    {
      name: 'a stream',
      watches: [
        ['/s?wait=true&recursive=true&stream=true', 7],
        ['/s/a?wait=true&stream=true', 4],
      ],
      changes: [
        'PUT /s/a value=1',
        'PUT /s/a value=2',
        'PUT /s/a value=3&prevValue=2',
        'POST /s value=4',
        'PUT /s/d dir=true',
        'PUT /s/a refresh=true&ttl=100&prevExist=true',
        'PUT /s/a prevExist=true&value=5',
        'DELETE /s/a',
        'DELETE /s?recursive=true',
      ],
    },
    {
      name: 'the end of a key, as a stream',
      watches: [
        ['/twice?wait=true&stream=true', 3],
        ['/twicedir?wait=true&stream=true&recursive=true', 4],
      ],
      changes: [
        'PUT /twice value=1',
        'DELETE /twice',
        'PUT /twice value=2',
        'PUT /twicedir/a value=1',
        'DELETE /twicedir?recursive=true',
        'PUT /twicedir value=2',
      ],
    },
    {
      name: 'no renewal of a TTL',
      watches: [['/renewed?wait=true', 1]],
      changes: [
        'PUT /renewed refresh=true&ttl=100&prevExist=true',
        'PUT /renewed refresh=true&ttl=100&prevValue=x',
        'PUT /renewed value=y',
      ],
      before: ['PUT /renewed value=x'],
    },
    {
      name: 'what expires',
      watches: [
        ['/ttl?wait=true&recursive=true', 1],
        ['/ttl/dir/in?wait=true', 1],
      ],
      changes: [],
      before: ['PUT /ttl/dir dir=true&ttl=1', 'PUT /ttl/dir/in value=1'],
    },
    {
      name: 'several at once',
      watches: Array.from({ length: 20 }, () => ['/crowd?wait=true', 1] as const),
      changes: ['PUT /crowd value=1'],
    },
  ] satisfies {
    name: string;
    watches: (readonly [string, number])[];
    changes: string[];
    before?: string[];
  }[])('tells of $name', async ({ watches, changes, before = [] }) => {
    const at = async (server: TestMember) => {
      for (const step of before) await send(server.url, parseStep(step));
      return await hear(server, watches, changes);
    };
    const [ours, ...theirs] = await Promise.all([servers.kvorum, ...servers.etcds].map(at));
    for (const other of theirs) expect(ours).toEqual(other);
  });

  it('waits for an index that is to come', async () => {
    const at = async (server: TestMember) => {
      const { headers } = await send(server.url, parseStep('GET /'));
      const index = Number(headers['x-etcd-index']) + 3;
      const changes = ['PUT /f value=1', 'PUT /f value=2', 'PUT /f value=3', 'PUT /f value=4'];
      return await hear(server, [[`/f?wait=true&waitIndex=${index}`, 1]], changes);
    };
    const [ours, ...theirs] = await Promise.all([servers.kvorum, ...servers.etcds].map(at));
    for (const other of theirs) expect(ours).toEqual(other);
    expect(JSON.stringify(ours)).toContain('\\"value\\":\\"3\\"');
  });

  it('remembers a thousand events, and says so of those before', async () => {
    const at = async (server: TestMember) => {
      for (let i = 0; i < 1000; i += 100) {
        const some = Array.from({ length: 100 }, () => parseStep('PUT /many value=1'));
        await Promise.all(some.map((step) => send(server.url, step)));
      }
      const { headers } = await send(server.url, parseStep('GET /'));
      const index = Number(headers['x-etcd-index']);
      const asked = [index - 1000, index - 999, 1, index].map(
        async (since) =>
          await send(server.url, parseStep(`GET /many?wait=true&waitIndex=${since}`)),
      );
      return (await Promise.all(asked)).map(canonical);
    };
    const [ours, ...theirs] = await Promise.all([servers.kvorum, ...servers.etcds].map(at));
    for (const other of theirs) expect(ours).toEqual(other);
  });

  it('goes on with a stream that began in the past', async () => {
    knownDifference('v2-stream-from-the-past');
    const { kvorum } = servers;
    const { headers } = await send(kvorum.url, parseStep('PUT /past value=1'));
    await send(kvorum.url, parseStep('PUT /past value=2'));
    const target = `/past?wait=true&stream=true&waitIndex=${headers['x-etcd-index']}`;
    const open = watch(kvorum, target, 3);
    await open.begun;
    await send(kvorum.url, parseStep('PUT /past value=3'));
    const values = (await open.answer).body.match(/"node":\{"key":"\/past","value":"\d"/g);
    expect(values?.map((text) => text.at(-2))).toEqual(['1', '2', '3']);
  });
});
