import { Backoff } from '../backoff.ts';
import { ClientError, closedError } from '../errors.ts';
import type { Timers } from '../timers.ts';
import type { WatchAnswer } from './watch-answer.ts';
import { compactedError, isFinal, isRefusedToken, refusalError } from './watch-errors.ts';
import { type WatchCall, WatchStream } from './watch-stream.ts';
import { Watcher, type WatcherHome, type WatcherOptions } from './watcher.ts';

/** What the hub needs of the raw services. */
export interface WatchService {
  /** Begins a call. */
  open(): WatchCall;
  /** The token that calls bear was refused: the next call shall have another. */
  renewToken(): void;
  /** No call will succeed any more. */
  readonly isClosed: boolean;
}

/** Id of answers that concern no watch of the stream, or all of them. */
const noWatchId = -1n;
/** A watch, or a stream, whose new token is refused as well, so many times, is refused. */
const mostTokenRefusals = 2;
/** What is asked for to hear anything at all: a key that nobody has. */
const probeKey = Uint8Array.of(0);

/**
 * All watches of a client over one stream, which is opened when there is one, and opened again, elsewhere if possible,
 * when it ends. Each watch goes on from the revision after the last one it was told of, however often that happens.
 */
export class WatchHub implements WatcherHome {
  readonly #service: WatchService;
  readonly #timers: Timers;
  readonly #backoff: Backoff;
  readonly #watchers = new Set<Watcher>();
  #stream: WatchStream | undefined = undefined;
  /** By the id that the current stream has for them. */
  readonly #byId = new Map<bigint, Watcher>();
  /** Asked for on the current stream and unanswered, in order; undefined: nobody's. */
  #creating: { readonly id: bigint; readonly watcher: Watcher | undefined }[] = [];
  #lastId = 0n;
  /** A server that chooses ids by itself, as etcd's proxy does, is asked for one watch at a time. */
  #isSerial = false;
  /** Set while the next stream has to wait. */
  #callOffPause: (() => void) | undefined = undefined;
  /** Refusals of its token that streams have ended with, in a row. */
  #tokenRefusals = 0;
  #isClosed = false;
  #lastError: ClientError | undefined = undefined;

  constructor(service: WatchService, timers: Timers) {
    this.#service = service;
    this.#timers = timers;
    this.#backoff = new Backoff(timers);
  }

  /** What has gone wrong last with a stream, if anything has since it went well. */
  get lastError(): ClientError | undefined {
    return this.#lastError;
  }

  /** Begins a watch, to be ended by `remove`. */
  add(options: WatcherOptions): Watcher {
    const watcher = new Watcher(options, this);
    if (this.#isClosed) {
      watcher.fail(closedError('client'));
    } else {
      this.#watchers.add(watcher);
      this.#createWaiting();
    }
    return watcher;
  }

  /** Ends a watch; its reader gets the error. */
  remove(watcher: Watcher, error: ClientError): void {
    this.#takeOff(watcher);
    this.#watchers.delete(watcher);
    watcher.end(error);
    if (this.#watchers.size === 0) this.#leaveStream();
  }

  /** Asks the server how far the watches are; the answer is one more batch for those that want to be told. */
  askProgress(): void {
    this.#stream?.askProgress();
  }

  onDrained(): void {
    this.#createWaiting();
  }

  /** Ends all watches. */
  close(): void {
    this.#isClosed = true;
    this.#failAll(closedError('client'));
  }

  /** Asks for all watches that the current stream does not have. */
  #createWaiting(): void {
    if (this.#callOffPause !== undefined) return;
    for (const watcher of this.#watchers) {
      if (watcher.state !== 'waiting') continue;
      if (this.#isSerial && this.#creating.length > 0) return;
      watcher.state = 'creating';
      this.#create(watcher);
    }
  }

  #create(watcher: Watcher | undefined): void {
    this.#stream ??= this.#openStream();
    this.#lastId += 1n;
    const id = this.#lastId;
    this.#creating.push({ id, watcher });
    this.#stream.create(watcher?.createRequest(id) ?? { key: probeKey, watchId: id });
  }

  #openStream(): WatchStream {
    const stream: WatchStream = new WatchStream(
      this.#service.open(),
      this.#timers,
      () => this.#create(undefined),
      () => this.#restart(stream),
    );
    void this.#read(stream);
    return stream;
  }

  async #read(stream: WatchStream): Promise<void> {
    let error: ClientError | undefined;
    try {
      for await (const answers of stream.batches()) {
        stream.heard();
        for (const answer of answers) {
          if (stream !== this.#stream) return;
          this.#backoff.reset();
          this.#tokenRefusals = 0;
          this.#lastError = undefined;
          this.#onAnswer(answer);
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof ClientError)) throw thrown;
      error = thrown;
    }
    if (stream !== this.#stream) return;
    this.#lastError = error;
    if (error !== undefined && isRefusedToken(error)) {
      this.#tokenRefusals += 1;
      this.#service.renewToken();
    }
    const isHopeless = this.#tokenRefusals > mostTokenRefusals;
    if (this.#service.isClosed) this.close();
    else if (error !== undefined && (isHopeless || isFinal(error))) this.#failAll(error);
    else this.#restart(stream);
  }

  #onAnswer(answer: WatchAnswer): void {
    const { watchId, created, canceled, events, fragment, revision } = answer;
    if (created) {
      this.#onCreated(watchId, revision, canceled ? answer.cancelReason : undefined);
      return;
    }
    if (watchId === noWatchId) {
      this.#stream?.onProgressAnswered();
      for (const watcher of this.#byId.values()) watcher.onProgressOfAll(revision);
      return;
    }
    const watcher = this.#byId.get(watchId);
    if (watcher === undefined) return;
    if (canceled) {
      this.#byId.delete(watchId);
      if (answer.compactRevision > 0n) this.#fail(watcher, compactedError(answer));
      else this.#onRefused(watcher, answer.cancelReason);
    } else if (events.length > 0) {
      watcher.onEvents(events, fragment, answer.byteLength);
      if (watcher.isFull) this.#holdBack(watcher);
    } else if (!fragment) {
      watcher.onProgress(revision);
    }
  }

  #onCreated(id: bigint, revision: bigint, refusal: string | undefined): void {
    // The server answers in order; what it refuses has no id.
    const at = refusal === undefined ? this.#creating.findIndex((one) => one.id === id) : 0;
    if (at < 0 && !this.#isSerial) {
      // It has ids of its own: which of those asked for this is cannot be told.
      this.#isSerial = true;
      this.#restart(this.#stream, 0);
      return;
    }
    const [asked] = this.#creating.splice(Math.max(at, 0), 1);
    const watcher = asked?.watcher;
    if (watcher === undefined || watcher.state !== 'creating') {
      if (refusal === undefined) this.#stream?.cancel(id);
    } else if (refusal === undefined) {
      this.#byId.set(id, watcher);
      watcher.onCreated(id, revision, this.#stream?.openQuestions ?? 0);
    } else {
      this.#onRefused(watcher, refusal);
    }
    if (this.#isSerial) this.#createWaiting();
  }

  #onRefused(watcher: Watcher, reason: string): void {
    const error = refusalError(reason);
    watcher.tokenRefusals += 1;
    if (!isRefusedToken(error) || watcher.tokenRefusals > mostTokenRefusals) {
      this.#fail(watcher, error);
      return;
    }
    // The token belongs to the stream.
    this.#service.renewToken();
    watcher.detach('waiting');
    this.#restart(this.#stream);
  }

  /** The reader is behind: the server keeps what comes until it has caught up. */
  #holdBack(watcher: Watcher): void {
    this.#takeOff(watcher);
    watcher.detach('held');
  }

  #takeOff(watcher: Watcher): void {
    if (this.#byId.get(watcher.id) !== watcher) return;
    this.#byId.delete(watcher.id);
    this.#stream?.cancel(watcher.id);
  }

  #fail(watcher: Watcher, error: ClientError): void {
    this.#watchers.delete(watcher);
    watcher.fail(error);
    if (this.#watchers.size === 0) this.#leaveStream();
  }

  #failAll(error: ClientError): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    this.#leaveStream();
    for (const watcher of watchers) watcher.fail(error);
  }

  /** Leaves a stream that is of no use; the next one is opened after a pause. */
  #restart(stream: WatchStream | undefined, pauseMs = this.#backoff.next()): void {
    if (stream === undefined || stream !== this.#stream) return;
    this.#leaveStream();
    for (const watcher of this.#watchers) {
      if (watcher.state === 'live' || watcher.state === 'creating') {
        watcher.detach('waiting', this.#lastError);
      }
    }
    this.#callOffPause = this.#timers.after(pauseMs, () => {
      this.#callOffPause = undefined;
      this.#createWaiting();
    });
  }

  #leaveStream(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#byId.clear();
    this.#creating = [];
    this.#callOffPause?.();
    this.#callOffPause = undefined;
  }
}
