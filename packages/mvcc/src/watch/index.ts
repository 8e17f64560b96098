export type { EventSource } from './event-source.ts';
export type { WatchBatch } from './watch-batch.ts';
export { WatchHub, type WatchHubOptions, type WatchMetrics } from './watch-hub.ts';
export type { WatchLimits } from './watch-limits.ts';
export { type WatchRange, watchRange } from './watch-range.ts';
export type { Watcher, WatchRequest, WatchSink } from './watcher.ts';
