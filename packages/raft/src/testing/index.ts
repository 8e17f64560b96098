export { SafetyCheckers } from './checkers.ts';
export { EventQueue } from './event-queue.ts';
export { Prng } from './prng.ts';
export { failedSeeds, type SimulationReport, simulate } from './simulator.ts';
