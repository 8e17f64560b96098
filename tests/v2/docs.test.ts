import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startKvorum } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';
import { systemProgram } from '../framework/real-etcd.ts';

// docs/v2-api.md is a session: its commands are run in order, and write what stands below them.

const page = readFileSync(join(import.meta.dirname, '../../docs/v2-api.md'), 'utf8');
const examples = [...page.matchAll(/```sh\n(.*?)```\n\n```json\n(.*?)```/gs)].map(
  ([, commands = '', output = '']) => ({ commands, output }),
);

describe.skipIf(systemProgram('curl') === undefined)('the examples of the page about v2', () => {
  it('do what it says', async () => {
    await using member = await startKvorum({ flags: ['--enable-v2'] });
    expect(examples.length).toBeGreaterThan(3);
    for (const { commands, output } of examples) {
      const script = commands.replaceAll('localhost:2379', member.endpoint);
      await using shell = await RunningProgram.start('/bin/sh', { args: ['-c', script] });
      await shell.exited;
      expect(shell.stderr.text).toBe('');
      expect(shell.stdout.text).toBe(output);
    }
  });
});
