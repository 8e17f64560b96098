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
export { SimCluster, type SimNetwork } from './sim-cluster.ts';
export { CallError, SimMember, type SimStorage } from './sim-member.ts';
export { SimClock, SimTime } from './sim-time.ts';
