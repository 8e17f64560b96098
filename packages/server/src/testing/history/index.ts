export { type CheckOptions, checkHistory, type HistoryReport } from './check-history.ts';
export { History, type OpenCall } from './history.ts';
export { KvModel, kvCalls, type Step } from './kv-model.ts';
export { execute, KvState } from './kv-state.ts';
export { type Call, linearize, type Model, type Verdict } from './linearize.ts';
export type {
  Answer,
  Compare,
  KeyEvent,
  KeyRange,
  Operation,
  OperationAnswer,
  Pair,
  Refusal,
  Renewal,
  Request,
  TxnOperation,
  WatchMessage,
  WatchRecord,
} from './operation.ts';
export { Timeline, watchViolations } from './watch-checker.ts';
