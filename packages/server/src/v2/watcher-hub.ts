import { isHiddenName } from './key-path.ts';
import type { V2Event } from './v2-event.ts';

/** Whom a watcher tells. */
export interface V2Listener {
  /** A watcher that isn't a stream is over with its first event. */
  onEvent(event: V2Event): void;
  /** The member stops. */
  onStop(): void;
}

export interface V2Watch {
  readonly path: string;
  readonly isRecursive: boolean;
  /** Goes on after the first event. */
  readonly isStream: boolean;
  /** Events of this index and later. */
  readonly sinceIndex: bigint;
}

/** Those who wait for what happens next. One costs an object, and nothing while nothing happens on its path. */
export class WatcherHub {
  readonly #byPath = new Map<string, Set<Watcher>>();
  #count = 0;
  #isStopped = false;

  get count(): number {
    return this.#count;
  }

  /** Returns what ends it. */
  watch(watch: V2Watch, listener: V2Listener): () => void {
    const watcher = { watch, listener };
    if (this.#isStopped) {
      listener.onStop();
      return () => {};
    }
    let watchers = this.#byPath.get(watch.path);
    if (watchers === undefined) {
      watchers = new Set();
      this.#byPath.set(watch.path, watchers);
    }
    watchers.add(watcher);
    this.#count += 1;
    return () => this.#remove(watcher);
  }

  /** Tells of a change all who watch its path or, recursively, a directory above it. */
  notify(event: V2Event): void {
    if (this.#count === 0) return;
    const { path } = event;
    this.#tell('/', event, false);
    for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      this.#tell(path.slice(0, slash), event, false);
    }
    this.#tell(path, event, false);
  }

  /** Tells those who watch `path` that it's gone, with `event`, which is its own or that of a directory above it. */
  notifyGone(path: string, event: V2Event): void {
    if (this.#count > 0) this.#tell(path, event, true);
  }

  /**
   * Tells all of them what they missed, by the word of `missed`; those of whom it doesn't know any more, and says
   * undefined, are ended.
   */
  catchUp(missed: (watch: V2Watch) => readonly V2Event[] | undefined): void {
    for (const watcher of [...this.#byPath.values()].flatMap((watchers) => [...watchers])) {
      const { watch, listener } = watcher;
      const events = missed(watch);
      if (events === undefined || (events.length > 0 && !watch.isStream)) this.#remove(watcher);
      if (events === undefined) listener.onStop();
      else
        for (const event of watch.isStream ? events : events.slice(0, 1)) listener.onEvent(event);
    }
  }

  /** Ends all of them; there are none afterwards. */
  stop(): void {
    this.#isStopped = true;
    for (const watchers of [...this.#byPath.values()]) {
      for (const watcher of [...watchers]) {
        this.#remove(watcher);
        watcher.listener.onStop();
      }
    }
  }

  #tell(path: string, event: V2Event, isGone: boolean): void {
    const watchers = this.#byPath.get(path);
    if (watchers === undefined) return;
    const isOwn = event.path === path;
    if (!isOwn && isHiddenFrom(path, event.path)) return;
    for (const watcher of [...watchers]) {
      const { isRecursive, isStream, sinceIndex } = watcher.watch;
      if (!isRecursive && !isOwn && !isGone) continue;
      if (BigInt(event.index) < sinceIndex) continue;
      if (!isStream) this.#remove(watcher);
      watcher.listener.onEvent(event);
    }
  }

  #remove(watcher: Watcher): void {
    const watchers = this.#byPath.get(watcher.watch.path);
    if (watchers?.delete(watcher) !== true) return;
    this.#count -= 1;
    if (watchers.size === 0) this.#byPath.delete(watcher.watch.path);
  }
}

interface Watcher {
  readonly watch: V2Watch;
  readonly listener: V2Listener;
}

/** Whether something below `directory` is hidden, or in something hidden below it. */
function isHiddenFrom(directory: string, path: string): boolean {
  if (directory.length > path.length) return false;
  return path.slice(directory.length).split('/').some(isHiddenName);
}
