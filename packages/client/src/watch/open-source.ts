import type { Keyspace, Span } from '../keyspace.ts';
import { GetAll } from '../kv/get-all.ts';
import type { RpcClient } from '../rpc-client.ts';
import type { Timers } from '../timers.ts';
import { RelistingSource } from './relisting-source.ts';
import type { WatchOptions } from './watch.ts';
import type { WatchHub } from './watch-hub.ts';
import { PlainSource, type WatchSource } from './watch-source.ts';

/** What a watch is opened with. */
export interface SourceParts {
  readonly rpc: RpcClient;
  readonly watches: WatchHub;
  readonly timers: Timers;
  readonly keyspace: Keyspace;
  readonly span: Span;
  readonly options: WatchOptions;
}

const defaultQueuedBytes = 4 << 20;

/** Begins to watch as the options say. */
export function openSource(parts: SourceParts): WatchSource {
  const { rpc, watches, timers, keyspace, options } = parts;
  // The caller's bytes may change, and the server is asked more than once.
  const span = { key: parts.span.key.slice(), rangeEnd: parts.span.rangeEnd.slice() };
  const { startRevision = 0n, only, progress = false, previous = false } = options;
  const maxQueuedBytes = options.maxQueuedBytes ?? defaultQueuedBytes;
  const onConnected = afterwards(options.onConnected);
  const onDisconnected = afterwards(options.onDisconnected);
  const common = { span, previous, progress, maxQueuedBytes, onConnected, onDisconnected };
  if (options.onCompaction !== 'relist') {
    return new PlainSource(watches, keyspace, { ...common, startRevision, only });
  }
  return new RelistingSource({
    list: (listing) => new GetAll(rpc, keyspace, span, listing),
    watch: (revision) => {
      return new PlainSource(watches, keyspace, {
        ...common,
        startRevision: revision,
        only: undefined,
      });
    },
    timers,
    startRevision,
    only,
    progress,
  });
}

/** What a user's callback throws shall stop no work of other watches. */
function afterwards<A extends readonly unknown[]>(callback: ((...args: A) => void) | undefined) {
  if (callback === undefined) return undefined;
  return (...args: A) => queueMicrotask(() => callback(...args));
}
