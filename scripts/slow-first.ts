import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files whose tests take tens of seconds, the longest first. */
const slowFiles = [
  'packages/server/src/simulation.test.ts',
  'packages/server/src/seeded-bugs.test.ts',
  'tests/deploy/docker.test.ts',
  'tests/e2e/tutorial.test.ts',
  'packages/h2/src/differential/',
  'tests/robustness/',
  'tests/differential/kv.test.ts',
  'packages/raft/src/testing/seeded-bugs.test.ts',
  'packages/raft/src/testing/simulator.test.ts',
  'tests/e2e/start.test.ts',
  'tests/e2e/protocols.test.ts',
  'tests/cluster/',
  'tests/json-gateway/',
  'packages/server/src/crash-image.test.ts',
  'tests/proxies/',
  'tests/discovery/',
  'tests/ctl/v2/',
  'tests/v2/',
  'tests/client/',
  'tests/recipes/',
  'tests/e2e/auth.test.ts',
];

/** Begins with the files that take longest: begun last, one of them would run alone in the end. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = slowFiles.findIndex((part) => moduleId.includes(part));
  return rank < 0 ? slowFiles.length : rank;
}
