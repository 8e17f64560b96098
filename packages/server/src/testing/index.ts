export { damage } from '../snapshot/testing/damage.ts';
export {
  type Answer,
  type CheckOptions,
  type Compare,
  checkHistory,
  History,
  type HistoryReport,
  type KeyEvent,
  type KeyRange,
  type OpenCall,
  type Operation,
  type OperationAnswer,
  type Pair,
  type Refusal,
  type Renewal,
  type Request,
  type TxnOperation,
  type WatchMessage,
  type WatchRecord,
} from './history/index.ts';
export * as wire from './history/wire.ts';
export {
  type SimCallback,
  SimCluster,
  type SimClusterOptions,
  type SimEnd,
  type SimStream,
  type SimStreamCallback,
} from './sim-cluster.ts';
export {
  CallError,
  SimMember,
  type SimSettings,
  type SimStorage,
  unreached,
} from './sim-member.ts';
export { calmNetwork, type SimNetwork } from './sim-peers.ts';
export type { SyncTimes } from './sim-place.ts';
export { type ClockPace, SimClock, SimTime } from './sim-time.ts';
export {
  type FailedSeed,
  failedSeeds,
  type SeededBug,
  type SimulationOptions,
  type SimulationReport,
  seededBugs,
  simulate,
  Workload,
} from './simulation/index.ts';
