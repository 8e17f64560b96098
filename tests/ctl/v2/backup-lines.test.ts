import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kvutlProgram } from '@kvorum/ctl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realEtcd } from '../../framework/real-etcd.ts';
import { type ProgramResult, runKvctl } from '../in-process.ts';
import { type BackupDifferenceName, backupDifferences } from './backup-differences.ts';
import { makeV2Data, walFile } from './v2-data.ts';

/** A command line, and the differences that it meets. `@name` stands for a path in a program's folder. */
type Step = readonly [args: string, ...differs: BackupDifferenceName[]];
type Run = (args: readonly string[]) => Promise<ProgramResult>;

/** Of either program, v2 mode or kvutl. */
const steps: Step[] = [
  ['backup --data-dir @data --backup-dir @one'],
  ['backup --data-dir @data --backup-dir @one', 'plain-error'],
  ['backup --data-dir=@data --backup-dir=@two --with-v3'],
  ['backup --data-dir @data --backup-dir @three --with-v3=false more arguments'],
  [
    'backup --data-dir @data --wal-dir @data/member/wal --backup-dir @four --backup-wal-dir @four-wal',
  ],
  ['backup --data-dir @data --backup-dir @others'],
  ['backup --data-dir @data --backup-dir @folders'],
  ['backup --data-dir @data --backup-dir @five --backup-wal-dir @others', 'keeps-what-is-there'],
  ['backup --data-dir @data --backup-dir @five --backup-wal-dir @one/member/wal', 'plain-error'],
  ['backup --data-dir @data --backup-dir @file', 'plain-error'],
  ['backup --data-dir @nosuch --backup-dir @five', 'plain-error'],
  ['backup --data-dir @empty --backup-dir @five', 'plain-error'],
  ['backup --data-dir @file --backup-dir @five', 'plain-error'],
  ['backup --data-dir @data --wal-dir @nosuch --backup-dir @five', 'plain-error'],
  ['backup --data-dir @data --wal-dir @empty --backup-dir @five', 'plain-error'],
  ['backup --data-dir @no-database --backup-dir @six --with-v3=false'],
  ['backup --data-dir @no-database --backup-dir @seven --with-v3', 'plain-error'],
  ['backup --data-dir @cut --backup-dir @five', 'cut-log'],
  ['backup --data-dir @cut-early --backup-dir @five', 'cut-log'],
  ['backup --data-dir @cut-to-nothing --backup-dir @five', 'cut-log'],
];

const v2Steps: Step[] = [
  ...steps,
  ['backup --help'],
  ['backup -h'],
  ['help backup'],
  ['backup --bogus'],
  ['backup --data-dir'],
  ['backup --with-v3=maybe'],
];

const utlSteps: Step[] = [
  ...steps,
  ['backup', 'one-line-of-usage'],
  ['backup --data-dir @data', 'one-line-of-usage'],
  ['backup --backup-dir @five', 'one-line-of-usage'],
  ['backup --bogus', 'one-line-of-usage'],
  ['backup --data-dir', 'one-line-of-usage'],
];

const real = realEtcd('3.5');
/** Loads of a busy machine included. */
const TIMEOUT_MS = 240_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvorum-backup-'));
  if (real !== undefined) await makeV2Data(real, join(folder, 'data'));
}, TIMEOUT_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(real === undefined).each([
  ['kvctl', 'etcdctl', v2Steps, { ETCDCTL_API: '2' }],
  ['kvutl', 'etcdutl', utlSteps, {}],
] as const)('backup of %s', (_ours, theirs, table, env) => {
  it(`does as that of ${theirs}`, { timeout: TIMEOUT_MS }, async () => {
    const file = real?.[theirs] ?? '';
    const program = theirs === 'etcdutl' ? { program: kvutlProgram } : {};
    const [their, our] = [makeFiles('theirs'), makeFiles('ours')];
    for (const step of table) {
      const outcome = await outcomeOf(step, their, (args) => runFile(file, args, env));
      const ours = await outcomeOf(step, our, (args) => runKvctl({ args, env }, program.program));
      expect(ours).toEqual(outcome);
    }
    const left = readdirSync(our).filter((name) => /^(five|seven)|\.(backup|lock|tmp)$/.test(name));
    expect(left).toEqual([]);
    expect(readdirSync(join(our, 'others'))).toEqual(['member', 'other']);
  });
});

/** The same files for each of the programs. */
function makeFiles(name: string): string {
  const dir = join(folder, name);
  rmSync(dir, { recursive: true, force: true });
  const to = (path: string) => join(dir, path);
  for (const path of ['empty', 'others/other', 'folders/member/wal', 'folders/member/snap']) {
    mkdirSync(to(path), { recursive: true, mode: 0o700 });
  }
  writeFileSync(to('file'), '');
  for (const copy of ['data', 'no-database', 'cut', 'cut-early', 'cut-to-nothing']) {
    cpSync(join(folder, 'data'), to(copy), { recursive: true });
  }
  rmSync(to('no-database/member/snap/db'));
  truncateSync(walFile(to('cut')), 1000);
  truncateSync(walFile(to('cut-early')), 50);
  truncateSync(walFile(to('cut-to-nothing')), 0);
  return dir;
}

/** What a step did, with the differences it meets looked past and the program's folder masked. */
async function outcomeOf([text, ...differs]: Step, dir: string, run: Run): Promise<object> {
  const result = await run(text.split(' ').map((word) => word.replace('@', `${dir}/`)));
  const names = ['log-lines', ...differs] as const;
  const { exitCode, stdout, stderr } = names.reduce<ProgramResult>(
    (before, name) => backupDifferences[name].normalize(before),
    result,
  );
  const mask = (output: string) => output.replaceAll(dir, 'DIR').split('\n');
  return { step: text, exitCode, stdout: mask(stdout), stderr: mask(stderr) };
}

function runFile(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...env }, encoding: 'latin1', timeout: 100_000 } as const;
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
