import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ToldCluster, type ToldMember } from './told-cluster.ts';

const file = new URL('../../deploy/README.md', import.meta.url);

/** The members that the `docker run` lines of one block start, by the names that shells would put in. */
function membersOf(block: string, names: Readonly<Record<string, string>>): ToldMember[] {
  const expand = (text: string): string =>
    text.replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => names[name] ?? `no ${name}`);
  const lines = block.split('\n').filter((line) => line.startsWith('docker run '));
  return lines.map((line) => {
    const words = expand(expand(line)).split(/\s+/);
    const args = words.slice(words.indexOf('etcd') + 1);
    const told = args[args.indexOf('--initial-advertise-peer-urls') + 1];
    return { host: new URL(told ?? '').hostname, args, env: {} };
  });
}

describe('the command lines of the README', () => {
  it('found the clusters that they say', async () => {
    const text = await readFile(file, 'utf8');
    const [, cluster = ''] = /`CLUSTER=([^`]+)`/.exec(text) ?? [];
    const names = { NODE1: 'a.test', NODE2: 'b.test', NODE3: 'c.test', CLUSTER: cluster };
    const blocks = [...text.matchAll(/```sh\n([^`]+)```/g)].map(([, block = '']) => block);
    const told = blocks.map((block) => membersOf(block, names)).filter(({ length }) => length > 0);
    expect(told.map(({ length }) => length)).toEqual([1, 3]);
    for (const members of told) {
      await using running = await ToldCluster.start(members);
      expect(await running.names()).toEqual(members.map((_member, at) => `node${at + 1}`));
    }
  });
});
