import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  grpcStatus,
  ResponseHeaderSchema,
  type WatchCreateRequest,
  WatchRequestSchema,
  WatchResponseSchema,
} from '@kvorum/api';
import { CallFailure, type ChannelReceiver } from '../channel.ts';

/** A watcher of one key on one call. */
interface ServedWatcher {
  readonly id: bigint;
  readonly name: string;
  /** The first revision that it has not got. */
  next: bigint;
}

interface ServedCall {
  readonly receiver: ChannelReceiver;
  readonly watchers: Map<bigint, ServedWatcher>;
}

type Response = MessageInitShape<typeof WatchResponseSchema>;

/** What etcd's Watch does with requests that are complete, in memory: puts of single keys, and who watches them. */
export class MemoryWatchServer {
  readonly #calls = new Set<ServedCall>();
  /** Names of keys by the revision of their put; the first put makes revision 2. */
  readonly #log: { readonly revision: bigint; readonly name: string }[] = [];
  #revision = 1n;
  #compacted = 0n;
  #pieces: (() => void)[] = [];
  begunCalls = 0;

  get openCalls(): number {
    return this.#calls.size;
  }

  /** In order. */
  revisionsOf(name: string): bigint[] {
    return this.#log.filter((put) => put.name === name).map((put) => put.revision);
  }

  /** Serves a call; all answers come in later turns. */
  begin(messages: readonly Uint8Array[], receiver: ChannelReceiver) {
    this.begunCalls += 1;
    const call: ServedCall = { receiver, watchers: new Map() };
    this.#calls.add(call);
    queueMicrotask(() => {
      for (const message of messages) this.#handle(call, message);
    });
    return { cancel: () => this.#calls.delete(call), pause: () => {}, resume: () => {} };
  }

  put(name: string): void {
    this.#revision += 1n;
    this.#log.push({ revision: this.#revision, name });
    for (const call of this.#calls)
      for (const one of call.watchers.values()) this.#catchUp(call, one);
  }

  /** A put that the watchers of all calls get in so many pieces: the first now, the others one by one. */
  putInPieces(name: string, count: number): void {
    this.#revision += 1n;
    const revision = this.#revision;
    for (const call of this.#calls) {
      for (const watcher of call.watchers.values()) {
        if (watcher.name !== name) continue;
        watcher.next = revision + 1n;
        this.#pieces = Array.from({ length: count }, (_, index) => () => {
          const events = [{ kv: { modRevision: revision } }];
          this.#send(call, { watchId: watcher.id, events, fragment: index < count - 1 });
        });
      }
    }
    this.nextPiece();
  }

  nextPiece(): void {
    this.#pieces.shift()?.();
  }

  compact(revision: bigint): void {
    this.#compacted = revision;
  }

  /** Ends all calls as a member that stops. */
  fail(): void {
    const failure = new CallFailure(grpcStatus.unavailable, 'etcdserver: server stopped', false);
    for (const call of this.#calls) call.receiver.onEnd(failure);
    this.#calls.clear();
  }

  #handle(call: ServedCall, message: Uint8Array): void {
    const { requestUnion } = fromBinary(WatchRequestSchema, message);
    if (requestUnion.case === 'createRequest') this.#create(call, requestUnion.value);
    if (requestUnion.case === 'progressRequest' && call.watchers.size > 0) {
      this.#send(call, { watchId: -1n });
    }
  }

  #create(call: ServedCall, request: WatchCreateRequest): void {
    const name = new TextDecoder().decode(request.key);
    if (name === 'refused') {
      const cancelReason = 'etcdserver: permission denied';
      this.#send(call, { watchId: -1n, created: true, canceled: true, cancelReason });
      return;
    }
    let id = request.watchId;
    while (request.watchId === 0n && call.watchers.has(id)) id += 1n;
    const { startRevision } = request;
    const next = startRevision === 0n ? this.#revision + 1n : startRevision;
    const watcher = { id, name, next };
    this.#send(call, { watchId: id, created: true });
    if (startRevision !== 0n && startRevision <= this.#compacted) {
      this.#send(call, { watchId: id, canceled: true, compactRevision: this.#compacted });
      return;
    }
    call.watchers.set(id, watcher);
    this.#catchUp(call, watcher);
  }

  #catchUp(call: ServedCall, watcher: ServedWatcher): void {
    const { id, name, next } = watcher;
    for (const put of this.#log) {
      if (put.revision < next || put.name !== name) continue;
      this.#send(call, { watchId: id, events: [{ kv: { modRevision: put.revision } }] });
    }
    watcher.next = this.#revision + 1n;
  }

  #send(call: ServedCall, parts: Response): void {
    const header = create(ResponseHeaderSchema, { revision: this.#revision });
    const response = create(WatchResponseSchema, { ...parts, header });
    const message = toBinary(WatchResponseSchema, response);
    // What is on its way when a call is cancelled is lost.
    const arrive = () => {
      if (this.#calls.has(call)) call.receiver.onMessage(message);
    };
    queueMicrotask(() => queueMicrotask(arrive));
  }
}
