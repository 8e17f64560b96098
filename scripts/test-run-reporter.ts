import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

/** A test file that needs a program this machine does not have. */
export interface LeftOut {
  readonly testFile: string;
  readonly missing: string;
  /** What to run so that nothing is left out. */
  readonly remedy: string;
}

/** Environment variable that names the file where test files note a `LeftOut`, one JSON a line. */
export const leftOutVariable = 'KVORUM_LEFT_OUT';

/** Figures of one run of the tests. */
export interface TestRunSummary {
  readonly passed: number;
  /** Failed tests, and one for each file that could not be loaded and each error outside a test. */
  readonly failed: number;
  readonly skipped: number;
}

/** Environment variable that names the file to write the summary to, as JSON. */
export const summaryVariable = 'KVORUM_TEST_SUMMARY';

/**
 * Closes a run with what was left out and why, because a test that quietly did not run looks like one
 * that passed, and writes the figures of the run down for the script that asked for them.
 */
export class TestRunReporter implements Reporter {
  #root = process.cwd();
  #leftOutFile = '';

  onInit(vitest: { config: { root: string } }): void {
    this.#root = vitest.config.root;
    this.#leftOutFile = join(mkdtempSync(join(tmpdir(), 'kvorum-left-out-')), 'left-out.jsonl');
    // Inherited by the workers, which start after this.
    process.env[leftOutVariable] = this.#leftOutFile;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const summary = summarize(modules, errors);
    const leftOut = this.#takeLeftOut();
    if (leftOut.length > 0) {
      console.log(`\n${'='.repeat(78)}`);
      console.log(`LEFT OUT: ${summary.skipped} tests did not run on this machine`);
      for (const line of leftOut) console.log(`  ${line}`);
      console.log('='.repeat(78));
    }
    const path = process.env[summaryVariable];
    if (path !== undefined) writeFileSync(path, JSON.stringify(summary));
  }

  /** One line for each file and missing program, sorted; removes the file they came from. */
  #takeLeftOut(): string[] {
    const text = existsSync(this.#leftOutFile) ? readFileSync(this.#leftOutFile, 'utf8') : '';
    rmSync(dirname(this.#leftOutFile), { recursive: true, force: true });
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LeftOut)
      .map(({ testFile, missing, remedy }) => {
        return `${relative(this.#root, testFile)}: needs ${missing}; to have it: ${remedy}`;
      });
    return [...new Set(lines)].sort();
  }
}

function summarize(modules: readonly TestModule[], errors: readonly unknown[]): TestRunSummary {
  let passed = 0;
  let skipped = 0;
  let failed = errors.length;
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed++;
      else if (state === 'failed') failed++;
      else skipped++;
    }
  }
  return { passed, failed, skipped };
}
