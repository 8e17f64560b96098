import { describe, expect, it } from 'vitest';
import { type MemberOptions, startBoth } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { type Answer, askAll, curl, type Question } from './curl.ts';
import { a } from './step.ts';

const real = realEtcd('3.5');

const body = `{"key":"${a}"}`;
const path = '/v3/kv/range';
const from = (origin: string): Question => ({ path, body, options: [`header=Origin: ${origin}`] });
const preflight = (origin: string): Question => ({
  path,
  options: [
    'request=OPTIONS',
    `header=Origin: ${origin}`,
    'header=Access-Control-Request-Method: POST',
  ],
});

const questions: Readonly<Record<string, readonly Question[]>> = {
  '--enable-grpc-gateway=false': [
    { path, body },
    { path: '/v3beta/kv/range', body },
    { path: '/version' },
  ],
  '--cors=http://a.example:8080,http://b.example:8080': [
    { path, body },
    from('http://a.example:8080'),
    from('http://c.example:8080'),
    preflight('http://b.example:8080'),
    preflight('http://c.example:8080'),
  ],
  '--host-whitelist=known.example': [
    { path, body },
    { path, body, options: ['header=Host: known.example'] },
    { path, body, options: ['header=Host: unknown.example'] },
  ],
};

/** What browsers go by, and whether there is an answer. */
function seen({ status, headers }: Answer): object {
  const names = ['access-control-allow-origin', 'access-control-allow-headers', 'content-type'];
  return { status, headers: names.map((name) => headers[name]) };
}

describe.skipIf(real === undefined || curl === undefined)('flags of the JSON gateway', () => {
  it.each(Object.entries(questions))('%s', async (flag, asked) => {
    if (real === undefined) return;
    const options: MemberOptions = { flags: [flag] };
    await using both = await startBoth(real, options);
    const [theirs, ours] = await Promise.all(
      [both.etcd, both.kvorum].map(({ url }) => askAll(url, asked)),
    );
    expect(ours?.map(seen)).toEqual(theirs?.map(seen));
  });
});
