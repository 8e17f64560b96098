import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';
import { curl } from './curl.ts';
import { differences } from './differences.ts';
import { stories } from './stories/index.ts';

// docs/json-gateway.md is a session: its commands are run in order, and write what stands below them.

const page = readFileSync(join(import.meta.dirname, '../../docs/json-gateway.md'), 'utf8');

const examples = [...page.matchAll(/```sh\n(.*?)```\n\n```json\n(.*?)```/gs)].map(
  ([, commands = '', output = '']) => ({ commands, output }),
);

describe.skipIf(curl === undefined)('the examples of the page', () => {
  let member: TestMember;
  beforeAll(async () => {
    member = await startKvorum();
  });
  afterAll(() => member[Symbol.asyncDispose]());

  it('do what it says', async () => {
    expect(examples.length).toBeGreaterThan(5);
    for (const { commands, output } of examples) {
      expect(await outputOf(commands)).toBe(output);
    }
  });

  /** What the commands write; of one in the background as many lines as the page has. */
  async function outputOf(commands: string): Promise<string> {
    const script = commands.replaceAll('localhost:2379', member.endpoint);
    const [inBackground, rest] = script.split(' &\n');
    if (inBackground === undefined || rest === undefined) return masked(await run(script));
    await using background = await RunningProgram.start('/bin/sh', {
      args: ['-c', `exec ${inBackground}`],
    });
    await background.stdout.firstLines(1);
    await run(rest);
    return masked(`${(await background.stdout.firstLines(2)).join('\n')}\n`);
  }

  async function run(script: string): Promise<string> {
    await using shell = await RunningProgram.start('/bin/sh', { args: ['-c', script] });
    await shell.exited;
    expect(shell.stderr.text).toBe('');
    return shell.stdout.text;
  }
});

/** Each answer in a line of its own, without the ids. */
function masked(output: string): string {
  const lines = output.replaceAll('}{', '}\n{').replace(/\n*$/, '\n');
  return lines.replace(/"(cluster_id|member_id)":"\d+"/g, '"$1":"…"');
}

it('every path of the page is asked beside etcd', () => {
  const listed = page.split('\n').flatMap((line) => {
    return line.startsWith('| `/v3/') ? [...line.matchAll(/`(\/v3\/[^`]+)`/g)] : [];
  });
  const asked = new Set(stories.flat().flatMap(([, steps]) => steps.map(({ path }) => path)));
  expect(listed.map(([, path = '']) => path).filter((path) => !asked.has(path))).toEqual([]);
});

it('every difference from etcd is on the page of known ones', () => {
  const known = readFileSync(join(import.meta.dirname, '../../docs/known-differences.md'), 'utf8');
  const [, table = ''] = known.split('`tests/json-gateway/differences.ts`');
  const [section = ''] = table.split('\n## ');
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)]);
  expect(named.map(([, name]) => name).sort()).toEqual(Object.keys(differences).sort());
});
