export { describeEngine, type EngineFactory } from './engine-conformance.ts';
export { memoryEngines, rocksDbEngines } from './engine-factories.ts';
export { ManualTurns } from './manual-turns.ts';
