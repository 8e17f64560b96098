import { defineConfig } from 'vitest/config';
import { TestRunReporter } from './scripts/test-run-reporter.ts';

// Tests import the sources of every workspace package, so no build is needed to run them.
const conditions = ['kvorum-source', 'node', 'import', 'module', 'default'];

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
    reporters: ['default', new TestRunReporter()],
  },
});
