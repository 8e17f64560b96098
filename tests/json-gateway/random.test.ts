import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBoth } from '../framework/member.ts';
import { Prng } from '../framework/prng.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { askAll, curl } from './curl.ts';

// Bodies that nobody would write: a good one with some of its characters changed. Whether it's refused, and with which
// words, is compared with etcd. KVORUM_SEED begins elsewhere, KVORUM_RUNS asks for more.

const real = realEtcd('3.5');
const seed = Number(process.env.KVORUM_SEED ?? 1);
const runs = Number(process.env.KVORUM_RUNS ?? 300);

const good = [
  '{"key":"YQ==","range_end":"Yg==","limit":"12","revision":0,"sort_order":"DESCEND","serializable":true}',
  '{"rangeEnd":"_-8","key":"YQ","sortTarget":"KEY","limit":-1.5e1,"count_only":false,"nope":[null,{"a":"\\u00e9\\n"}]}',
  '{\n "key" : "YQ==",\n "min_mod_revision": 9007199254740993, "max_mod_revision" : "18446744073709551615" }',
];
const chars = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '-',
  '.',
  'e',
  'E',
  '+',
  'n',
  't',
  ' ',
];
const pieces = [
  'null',
  'true',
  '"YQ=="',
  '\\u12',
  '\\ud83d\\ude00',
  '00',
  '{}',
  '[]',
  'é',
  '\n',
  '=',
];

function mutated(random: Prng): string {
  let text = good[random.below(good.length)] as string;
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(text.length);
    const cut = random.below(3);
    const added = [...chars, ...pieces, ''][random.below(chars.length + pieces.length + 1)] ?? '';
    text = text.slice(0, at) + added + text.slice(at + cut);
  }
  return text;
}

describe.skipIf(real === undefined || curl === undefined)('random bodies', () => {
  let both: Awaited<ReturnType<typeof startBoth>> | undefined;
  beforeAll(async () => {
    if (real !== undefined) both = await startBoth(real);
  });
  afterAll(() => both?.[Symbol.asyncDispose]());

  it('are refused as by etcd, and in its words', async () => {
    if (both === undefined) return;
    const random = new Prng(seed);
    const bodies = Array.from({ length: runs }, () => mutated(random));
    const questions = bodies.map((body) => ({ path: '/v3/kv/range', body }));
    const [theirs, ours] = await Promise.all(
      [both.etcd, both.kvorum].map(({ url }) => askAll(url, questions)),
    );
    for (const [i, body] of bodies.entries()) {
      const [their, our] = [theirs?.[i], ours?.[i]].map((answer) => ({
        status: answer?.status,
        said: JSON.parse(answer?.body.replaceAll('proto:\u00a0', 'proto: ') ?? '{}'),
      }));
      // The difference `number-and-more`.
      if (/invalid value for int64 field \w+: "/.test(our?.said.message)) continue;
      expect.soft(our, body).toEqual(their);
    }
  });
});
