import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDifference } from '../framework/known-differences.ts';
import type { TestMember } from '../framework/member.ts';
import { Prng } from '../framework/prng.ts';
import { parseStep } from './key-requests.ts';
import { canonical, send } from './raw-request.ts';
import { hasEtcd, startV2Servers, type V2Servers } from './servers.ts';

const requestCount = Number(process.env.KVORUM_V2_REQUESTS ?? 600);
const seed = Number(process.env.KVORUM_SEED ?? 1);

const names = ['a', 'b', 'c', '_h'] as const;
const bools = ['true', 'true', 'true', 'false', '1', 'x'] as const;

/** A request about few keys, with parameters that often make sense together. */
function randomRequest(prng: Prng, index: number): string {
  const depth = prng.between(0, 4);
  const path = Array.from({ length: depth }, () => `/${prng.pick(names)}`).join('') || '/';
  const parameters: string[] = [];
  const maybe = (probability: number, parameter: () => string) => {
    if (prng.chance(probability)) parameters.push(parameter());
  };
  const bool = (name: string) => () => `${name}=${prng.pick(bools)}`;
  const method = prng.weighted([
    [8, 'PUT'],
    [2, 'POST'],
    [3, 'DELETE'],
    [3, 'GET'],
    [1, 'HEAD'],
  ]);
  const isWrite = method === 'PUT' || method === 'POST';
  if (isWrite) {
    maybe(0.8, () => `value=${prng.below(3)}`);
    maybe(0.2, bool('dir'));
    maybe(0.15, () => 'ttl=');
    maybe(0.05, () => `ttl=${prng.pick(['x', '-1', '1e3'])}`);
    maybe(0.1, bool('noValueOnSuccess'));
  } else maybe(0.3, bool('dir'));
  if (method !== 'POST') {
    maybe(0.3, bool('recursive'));
    maybe(0.2, () => `prevValue=${prng.pick(['0', '1', '2', ''])}`);
    maybe(0.1, () => `prevIndex=${prng.pick([String(index), String(index - 1), '0', 'y'])}`);
  }
  if (method === 'PUT') maybe(0.25, bool('prevExist'));
  if (method === 'GET') {
    maybe(0.3, bool('sorted'));
    maybe(0.2, bool('quorum'));
  }
  return `${method} ${path}?${parameters.join('&')}`;
}

describe.skipIf(!hasEtcd)('random requests of v2, beside etcd', () => {
  let servers: V2Servers;
  beforeAll(async () => {
    servers = await startV2Servers();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  /** Whether the path of a request is one of a directory. */
  async function isDirectory(line: string): Promise<boolean> {
    const path = line.split(' ')[1]?.split('?')[0] ?? '/';
    const { body } = await send(servers.kvorum.url, parseStep(`GET ${path}`));
    return /^\{"action":"get","node":\{("key":"[^"]*",)?"dir":true/.test(body);
  }

  it(`${requestCount} of seed ${seed} are answered alike`, async () => {
    const prng = new Prng(seed);
    let index = 0;
    for (let i = 0; i < requestCount; i++) {
      const line = randomRequest(prng, index);
      if (/prevExist=/.test(line) && (await isDirectory(line))) {
        knownDifference('v2-update-of-directory');
        continue;
      }
      const ask = async ({ url }: TestMember) => canonical(await send(url, parseStep(line)));
      const [ours, ...theirs] = await Promise.all([servers.kvorum, ...servers.etcds].map(ask));
      for (const other of theirs) expect(ours, `request ${i}: ${line}`).toEqual(other);
      index = Number(/x-etcd-index: (\d+)/.exec(ours?.headers.join('\n') ?? '')?.[1] ?? index);
    }
  });
});
