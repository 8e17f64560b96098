import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { curl } from './curl.ts';
import { type DifferenceName, differences } from './differences.ts';
import { Player, textOf, withoutDifferences } from './play.ts';
import { stories } from './stories/index.ts';

// The same requests with curl to etcd 3.5.16 and to Kvorum, over HTTP/1.1 and over HTTP/2, which etcd's gateway does not
// speak without TLS. Status, headers and bodies must be the same, but for the table in differences.ts.

const real = realEtcd('3.5');

describe.skipIf(real === undefined || curl === undefined)('the JSON gateway beside etcd', () => {
  /** Differences that were really met. */
  const met = new Set<DifferenceName>();

  describe.each(stories.map((group) => ({ group })))('stories %#', ({ group }) => {
    const members: TestMember[] = [];
    let players: Player[] = [];
    beforeAll(async () => {
      if (real === undefined) return;
      members.push(...(await Promise.all([startEtcd(real), startKvorum(), startKvorum()])));
      players = members.map(({ url }, i) => {
        const isOneByOne = i === 2;
        const options = isOneByOne ? ['http2-prior-knowledge'] : [];
        const known = { olderVersion: i === 0 ? '3.4' : '3.6' };
        return new Player({ url, options, isOneByOne, known });
      });
    });
    afterAll(() => Promise.all(members.map((member) => member[Symbol.asyncDispose]())));

    it.each(group)('%s: answered as by etcd, over HTTP/1.1 and HTTP/2', async (_name, steps) => {
      const [etcd, kvorum, overHttp2] = await Promise.all(players.map((one) => one.play(steps)));
      for (const [i, step] of steps.entries()) {
        const theirs = etcd?.[i];
        const ours = kvorum?.[i];
        if (theirs === undefined || ours === undefined) throw new Error('an answer is missing');
        const question = `step ${i}: ${step.path} ${(step.body ?? '').slice(0, 200)}`;
        expect.soft(overHttp2?.[i], `${question} over HTTP/2`).toEqual(ours);
        const text = textOf(withoutDifferences(step, ours));
        expect.soft(text, question).toBe(textOf(withoutDifferences(step, theirs)));
        if (textOf(ours) !== textOf(theirs)) for (const name of step.differs ?? []) met.add(name);
      }
    });
  });

  it('differs where the table says so, and nowhere else', () => {
    expect([...met].sort()).toEqual(Object.keys(differences).sort());
  });
});
