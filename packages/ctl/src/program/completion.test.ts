import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kvutlProgram } from '../kvutl-program.ts';
import { candidatesOf } from './candidates.ts';
import { completionScript } from './completion.ts';

async function words(...typed: readonly string[]): Promise<string[]> {
  return (await candidatesOf(kvutlProgram, typed)).map(({ word }) => word);
}

describe('what could come next', () => {
  it.each([
    [
      'commands',
      [''],
      ['backup', 'completion', 'defrag', 'hashkv', 'migrate', 'snapshot', 'version'],
    ],
    ['commands by their beginning', ['snap'], ['snapshot']],
    ['commands of a group', ['snapshot', ''], ['inspect', 'restore', 'status']],
    ['commands behind flags', ['-w', 'json', 'snapshot', 's'], ['status']],
    ['flags of a command and of all', ['hashkv', '--'], ['--rev', '--timeout', '--write-out']],
    ['flags by their beginning', ['snapshot', 'restore', '--wal'], ['--wal-dir']],
    ['values of a flag that has few', ['hashkv', '-w', 's'], ['simple']],
    ['nothing for the value of another flag', ['snapshot', 'restore', '--data-dir', ''], []],
    ['nothing for arguments', ['snapshot', 'status', ''], []],
    ['nothing behind a command that does not exist', ['nosuch', ''], []],
  ])('is %s', async (_what, typed, expected) => {
    expect(await words(...typed)).toEqual(expected);
  });
});

it('a script for bash asks the program', () => {
  const main = join(import.meta.dirname, '../kvutl.ts');
  const script = `
    etcdutl() { "$NODE" --conditions=kvorum-source "$MAIN" "$@"; }
    ${completionScript('bash', ['kvutl', 'etcdutl'])}
    COMP_WORDS=(etcdutl snapshot re) COMP_CWORD=2
    _kvutl_complete
    printf '%s\\n' "\${COMPREPLY[@]}"
    complete -p etcdutl`;
  const env = { NODE: process.execPath, MAIN: main, PATH: process.env.PATH };
  const said = execFileSync('bash', ['--norc', '-c', script], { env, encoding: 'utf8' });
  expect(said).toBe('restore\ncomplete -o default -F _kvutl_complete etcdutl\n');
});

it.each(['fish', 'zsh'] as const)('a script for %s names the program and asks it', (shell) => {
  const script = completionScript(shell, ['kvutl', 'etcdutl']);
  expect(script).toContain('kvutl');
  expect(script).toContain('etcdutl');
  expect(script).toContain(' __complete ');
});
