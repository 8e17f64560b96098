// node scripts/check.ts                  format, lint, types, generated code, tidiness, packed packages
// node scripts/check.ts --tests [ARGS]   the same and every test; ARGS go to vitest
//
// Runs every step even when one fails; the last line is `N passed, N failed`, where a step counts as one.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { summaryVariable, type TestRunSummary } from './test-run-reporter.ts';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');
const environment = { ...process.env, PATH: bin + delimiter + (process.env.PATH ?? '') };

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const steps: readonly Step[] = [
  { name: 'format and lint', command: ['biome', 'ci', '--colors=off', '.'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'generated code', command: ['node', 'scripts/gen-proto.ts', '--check'] },
  { name: 'packed packages', command: ['node', 'scripts/check-packages.ts'] },
];

/** Runs a program of node_modules/.bin with its output on ours; true when it succeeds. */
function run([program, ...args]: Step['command'], extra: NodeJS.ProcessEnv = {}): boolean {
  const { status } = spawnSync(join(bin, program), args, {
    cwd: root,
    env: { ...environment, ...extra },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}

/** Runs vitest. A run that ends without a summary, or fails beside its tests, counts as one failure. */
function runTests(args: readonly string[]): TestRunSummary {
  const scratch = mkdtempSync(join(tmpdir(), 'kvorum-check-'));
  try {
    const path = join(scratch, 'summary.json');
    const succeeded = run(['vitest', 'run', ...args], { [summaryVariable]: path });
    const summary: TestRunSummary = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as TestRunSummary)
      : { passed: 0, failed: 1, skipped: 0 };
    return succeeded || summary.failed > 0 ? summary : { ...summary, failed: 1 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const testsAt = process.argv.indexOf('--tests');
const failedSteps: string[] = [];
for (const step of steps) {
  console.log(`\n# ${step.name}: ${step.command.join(' ')}`);
  if (!run(step.command)) failedSteps.push(step.name);
}
const tests = runTests(testsAt < 0 ? ['scripts'] : process.argv.slice(testsAt + 1));

for (const name of failedSteps) console.log(`failed: ${name}`);
const passed = tests.passed + steps.length - failedSteps.length;
const failed = tests.failed + failedSteps.length;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
