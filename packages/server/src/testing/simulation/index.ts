export { type FailedSeed, failedSeeds } from './failed-seeds.ts';
export type { SeededBug } from './seeded-bug.ts';
export { seededBugs } from './seeded-bugs.ts';
export { type SimulationOptions, type SimulationReport, simulate } from './simulation.ts';
export { Workload } from './workload.ts';
