import type { Engine } from '@kvorum/mvcc';
import type { HttpSink, HttpStream } from '../../http/http-stream.ts';
import type { V2Store } from '../v2-store.ts';
import type { V2Watch } from '../watcher-hub.ts';
import type { V2Headers } from './replies.ts';

/** A client that takes nothing while this much waits for it is let go, in bytes: thousands of small events. */
const MAX_BEHIND_BYTES = 1024 * 1024;

/**
 * Waits for the first event of a watch, or, as a stream, for all. The headers are sent at once, the events as lines; an
 * event of the history comes right behind. Throws `V2Error` 401.
 *
 * Where etcd sends a stream one event of the history and is then silent for ever, ours goes on with what follows.
 */
export function watchKeys(
  v2: V2Store,
  engine: Engine,
  watch: V2Watch,
  headers: V2Headers,
): HttpStream {
  const { isStream } = watch;
  const { index } = v2;
  const sinceIndex = watch.sinceIndex === 0n ? BigInt(index + 1) : watch.sinceIndex;
  const past = v2.history.findAll(engine, { ...watch, sinceIndex }, index);
  /** What has happened behind an index meanwhile. */
  const since = (known: number) => {
    if (v2.index === known) return [];
    const next = BigInt(known + 1);
    const later = { ...watch, sinceIndex: sinceIndex > next ? sinceIndex : next };
    return v2.history.findAll(engine, later, v2.index);
  };
  return {
    status: 200,
    headers: [['Content-Type', 'application/json'], ...headers],
    open(sink) {
      const events = past.length > 0 && !isStream ? past : [...past, ...since(index)];
      for (const event of isStream ? events : events.slice(0, 1)) sink.write(`${event.json}\n`);
      if (events.length > 0 && !isStream) {
        sink.end();
        return () => {};
      }
      const next = BigInt(v2.index + 1);
      return listen(v2, { ...watch, sinceIndex: sinceIndex > next ? sinceIndex : next }, sink);
    },
  };
}

function listen(v2: V2Store, watch: V2Watch, sink: HttpSink): () => void {
  const stop = v2.hub.watch(watch, {
    onEvent(event) {
      const behindBytes = sink.write(`${event.json}\n`);
      if (watch.isStream && behindBytes <= MAX_BEHIND_BYTES) return;
      stop();
      sink.end();
    },
    onStop: () => sink.end(),
  });
  return stop;
}
