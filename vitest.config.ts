import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './scripts/slow-first.ts';
import { TestRunReporter } from './scripts/test-run-reporter.ts';

// Tests import the sources of every workspace package, so no build is needed to run them. Other packages are found as
// Node finds them, which does not know the condition `module` of bundlers.
const conditions = ['kvorum-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['kvorum-source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/bench/**/*.test.ts',
      'tests/**/*.test.ts',
      'scripts/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Tests wait for other processes more than they compute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: SlowFirst },
    globalSetup: ['tests/framework/bundled-server.ts'],
    reporters: ['default', new TestRunReporter()],
  },
});
