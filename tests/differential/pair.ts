import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { eventually } from '../framework/eventually.ts';
import { knownDifference } from '../framework/known-differences.ts';
import {
  type Call,
  describeCall,
  futureStream,
  readable,
  resolveRevisions,
  type StreamNumber,
  type UnaryName,
} from './call.ts';
import { isObject } from './canonical.ts';
import { type Answer, Subject } from './subject.ts';
import { barrierKey, type WatchLog } from './watch-log.ts';

const streams: readonly StreamNumber[] = [0, 1, 2];

/** Watchers beyond this on one stream are not created: each costs time with every event. */
const MAX_WATCHERS = 8;

/** Of both servers, what they said differently. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';

  constructor(what: string, theirs: unknown, ours: unknown) {
    const show = (value: unknown) => JSON.stringify(value, readable);
    super(`${what}\n  etcd:   ${show(theirs)}\n  Kvorum: ${show(ours)}`);
  }
}

/** Two servers that get the same calls and must give the same answers. */
export class Pair {
  /** Calls sent to each of the two. */
  calls = 0;
  readonly #theirs: Subject;
  readonly #ours: Subject;
  #now = 1;
  #compacted = -1;
  #hasCompactedZero = false;

  private constructor(theirs: Subject, ours: Subject) {
    this.#theirs = theirs;
    this.#ours = ours;
  }

  static async connect(etcdUrl: string, kvorumUrl: string): Promise<Pair> {
    return new Pair(await Subject.connect(etcdUrl), await Subject.connect(kvorumUrl));
  }

  /** Runs calls one after the other. Rejects with a `Mismatch` at the first difference. */
  async run(calls: readonly Call[]): Promise<void> {
    for (const call of calls) {
      try {
        await this.#run(call);
      } catch (error) {
        if (error instanceof Mismatch) throw error;
        throw new Error(`cannot run ${describeCall(call)}`, { cause: error });
      }
    }
    await this.#settle();
  }

  /** Deletes keys, revokes leases and ends watches, so that the next sequence finds an empty store. */
  async clear(): Promise<void> {
    await this.#settle();
    for (const stream of streams) await this.#reopen(stream);
    const leases = await this.#unary('leases', {});
    if ('response' in leases && Array.isArray(leases.response.leases)) {
      for (const lease of leases.response.leases) await this.#unary('revoke', lease as JsonObject);
    }
    const all = Buffer.from([0]).toString('base64');
    await this.#unary('deleteRange', { key: all, rangeEnd: all });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#theirs[Symbol.asyncDispose]();
    await this.#ours[Symbol.asyncDispose]();
  }

  async #run(call: Call): Promise<void> {
    if (call.kind === 'settle') await this.#settle();
    else if (call.kind === 'reopen') {
      await this.#settle();
      await this.#reopen(call.stream);
    } else if (call.kind === 'cancel') await this.#cancel(call.stream, call.nth);
    else if (call.kind === 'unary') await this.#unary(call.method, call.request);
    else if (call.kind === 'watch') await this.#watch(call.stream, call.request);
    else if (call.kind === 'keepAlive') {
      await this.#compare(call.kind, call.request, (one, request) => one.keepAlive(request));
    } else {
      const { ID = '0' } = call.request;
      await this.#unary('grant', call.request);
      await this.#unary('revoke', { ID });
    }
  }

  async #unary(method: UnaryName, request: JsonObject): Promise<Answer> {
    // What is compacted before a watcher has read it is lost to it, and how fast watchers read is nobody's promise.
    if (method === 'compact') await this.#settle();
    const resolved = resolveRevisions(request, { now: this.#now, compacted: this.#compacted });
    const answer = await this.#compare(method, resolved, async (one) => {
      const answer = await one.call(method, resolved);
      return method === 'hashKv' ? this.#comparableHash(resolved, answer) : answer;
    });
    if (method === 'compact' && 'response' in answer) {
      this.#compacted = Number(resolved.revision);
      this.#hasCompactedZero ||= this.#compacted === 0;
    }
    if (method === 'range') await this.#compareStreamed(resolved, answer);
    return answer;
  }

  #comparableHash({ revision }: JsonObject, answer: Answer): Answer {
    const asked = Number(revision);
    // 0 is now, but to an etcd that has compacted revision 0 and remembers the hash of it.
    if (asked > this.#compacted || (asked === 0 && !this.#hasCompactedZero)) return answer;
    knownDifference('hash-of-compacted');
    return { response: {} };
  }

  /** Sends one call to both. */
  async #compare(
    what: string,
    request: JsonObject,
    send: (subject: Subject, request: JsonObject) => Promise<Answer>,
  ): Promise<Answer> {
    this.calls++;
    const [theirs, ours] = await Promise.all([
      send(this.#theirs, request),
      send(this.#ours, request),
    ]);
    const question = () => `${what} ${JSON.stringify(request, readable)}`;
    if (!isDeepStrictEqual(theirs, ours)) throw new Mismatch(question(), theirs, ours);
    if ('response' in theirs) this.#now = Math.max(this.#now, revisionOf(theirs.response));
    return theirs;
  }

  /** The real etcd 3.5 has no RangeStream, so Kvorum's is held to its own Range. */
  async #compareStreamed(request: JsonObject, answer: Answer): Promise<void> {
    const streamed = await this.#ours.rangeStream(request);
    // Without an order the sort target means nothing to a stream, which goes by keys.
    const { sortTarget: _, ...unsorted } = request;
    const byKey =
      request.sortTarget === undefined ? answer : await this.#ours.call('range', unsorted);
    const expected = streamRefusal(request) ?? byKey;
    if ('code' in answer || isDeepStrictEqual(streamed, expected)) return;
    throw new Mismatch(`RangeStream ${JSON.stringify(request, readable)}`, expected, streamed);
  }

  async #watch(stream: StreamNumber, request: JsonObject): Promise<void> {
    const [theirs, ours] = [this.#theirs.log(stream), this.#ours.log(stream)];
    if (theirs.created.length >= MAX_WATCHERS) return;
    // The real etcd ends what compaction has overtaken ten times a second; until then an id is taken there.
    await eventually('the same watchers', () => isDeepStrictEqual(theirs.live, ours.live));
    const resolved = resolveRevisions(request, { now: this.#now, compacted: this.#compacted });
    if (Number(resolved.startRevision ?? 0) < 0) await this.#watchBeforeTime(stream, resolved);
    else await this.#compare('watch', resolved, (one) => one.watch(stream, resolved));
  }

  /** Kvorum refuses to watch from a negative revision; nothing else of the two can be compared then. */
  async #watchBeforeTime(stream: StreamNumber, request: JsonObject): Promise<void> {
    knownDifference('negative-watch-revision');
    const answer = await this.#ours.watch(stream, request);
    const { header: _, cancelReason, ...rest } = 'response' in answer ? answer.response : {};
    const refusal = { watchId: '-1', created: true, canceled: true };
    if (isDeepStrictEqual(rest, refusal) && cancelReason !== undefined) return;
    throw new Mismatch(`watch ${JSON.stringify(request, readable)}`, refusal, answer);
  }

  async #cancel(stream: StreamNumber, nth: number | 'unknown'): Promise<void> {
    const { created } = this.#theirs.log(stream);
    const known = nth === 'unknown' ? undefined : created[nth % created.length];
    const watchId = known ?? 4242n;
    // Events on their way to a watcher may be dropped when it is cancelled.
    await this.#settle();
    await Promise.all([this.#theirs, this.#ours].map((one) => one.log(stream).cancel(watchId)));
  }

  async #reopen(stream: StreamNumber): Promise<void> {
    await Promise.all([this.#theirs.reopen(stream), this.#ours.reopen(stream)]);
  }

  /** Waits until all watchers of both have been told everything, and compares what. */
  async #settle(): Promise<void> {
    const key = Buffer.from(barrierKey).toString('base64');
    await this.#unary('put', { key });
    const revision = BigInt(this.#now);
    for (const subject of [this.#theirs, this.#ours]) {
      for (const stream of streams) {
        await subject.log(stream).barrier(revision);
        if (stream !== futureStream) await subject.log(stream).progress(revision);
      }
    }
    for (const stream of streams) await this.#compareLogs(stream);
  }

  async #compareLogs(stream: StreamNumber): Promise<void> {
    const [theirs, ours] = [this.#theirs.log(stream), this.#ours.log(stream)];
    const told = (log: WatchLog) => comparableEvents(log.entries(), this.#compacted);
    // Nothing tells that the stream with watches of the future is complete, so it gets time.
    const complete = () => isDeepStrictEqual(told(theirs), told(ours));
    await eventually(`equal events on stream ${stream}`, complete, 3_000).catch(() => {
      throw new Mismatch(`events on stream ${stream}`, told(theirs), told(ours));
    });
    const { violations } = ours;
    if (violations.length > 0 || theirs.violations.length > 0) {
      throw new Mismatch('promises about watching', theirs.violations, violations);
    }
    theirs.forget();
    ours.forget();
  }
}

/** The events without previous values that compaction took away before they were told. */
function comparableEvents(entries: JsonObject, compacted: number): JsonObject {
  const comparable = (event: JsonValue): JsonValue => {
    if (!isObject(event) || !isObject(event.kv) || event.prevKv === undefined) return event;
    if (Number(event.kv.modRevision) > compacted) return event;
    knownDifference('prev-kv-of-compacted');
    const { prevKv: _, ...rest } = event;
    return rest;
  };
  const all = Object.entries(entries).map(([watchId, events]) => {
    return [watchId, Array.isArray(events) ? events.map(comparable) : events];
  });
  return Object.fromEntries(all) as JsonObject;
}

/** How RangeStream refuses what it can't do, in the order of its checks; undefined when it can. */
function streamRefusal(request: JsonObject): Answer | undefined {
  const { sortOrder = 'NONE', sortTarget = 'KEY' } = request;
  const code = 12;
  if (sortOrder !== 'NONE' && (sortTarget !== 'KEY' || sortOrder !== 'ASCEND')) {
    return { code, message: 'RangeStream does not support custom sort orders' };
  }
  const filters = ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'];
  const filtered = filters.some((name) => Number(request[name] ?? 0) !== 0);
  return filtered ? { code, message: 'RangeStream does not support revision filters' } : undefined;
}

function revisionOf(response: JsonObject): number {
  const { header } = response;
  return isObject(header) ? Number(header.revision ?? 0) : 0;
}
