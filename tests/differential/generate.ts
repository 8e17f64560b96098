import type { JsonObject } from '@bufbuild/protobuf';
import { knownDifference } from '../framework/known-differences.ts';
import type { Prng } from '../framework/prng.ts';
import { type Call, futureStream, type StreamNumber } from './call.ts';

// Few keys, values and leases, so that calls meet; bytes at the ends of the alphabet, so that order is tried.

const bytes = (text: string) => Buffer.from(text, 'latin1').toString('base64');

const keys = ['\0', '\0\0', 'a', 'a\0', 'a\xff', 'ab', 'b', 'c', '\xff', '\xff\xff'] as const;
const rangeEnds = [...keys, 'ac', 'd', '\0', '\0', 'b', '\xff'] as const;
const values = ['', 'x', 'y', 'y\0', '\xff', 'long '.repeat(60)] as const;
const leaseIds = ['1', '2', '3', '9223372036854775807', '-7'] as const;
/** Long enough to outlive the test, and one too long. */
const ttls = ['600', '3600', '86400', '9000000000', '9000000001'] as const;
const sortOrders = ['NONE', 'ASCEND', 'DESCEND'] as const;
const sortTargets = ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'] as const;
const compareTargets = ['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE'] as const;
const results = ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'] as const;

/** Operations of a transaction beyond which the servers refuse it (their flag --max-txn-ops). */
export const maxTxnOps = 6;

/** Makes calls at random. What it makes depends on the seed alone, never on an answer. */
export class CallGenerator {
  readonly #random: Prng;

  constructor(random: Prng) {
    this.#random = random;
  }

  next(): Call {
    const stream = this.#random.pick<StreamNumber>([0, 1, 2]);
    return this.#random.weighted<() => Call>([
      [30, () => unary('range', this.#range())],
      [30, () => unary('put', this.#put())],
      [8, () => unary('deleteRange', this.#deleteRange())],
      [20, () => unary('txn', this.#txn(2))],
      [2, () => unary('compact', this.#compaction())],
      [4, () => unary('grant', this.#grant())],
      [2, () => unary('revoke', { ID: this.#leaseId() })],
      [3, () => unary('timeToLive', { ID: this.#leaseId(), keys: this.#random.chance(0.7) })],
      [2, () => unary('leases', {})],
      [1, () => unary('hashKv', { revision: this.#revision() })],
      [2, () => ({ kind: 'keepAlive', request: { ID: this.#leaseId() } })],
      [1, () => ({ kind: 'shortLease', request: this.#shortLease() })],
      [5, () => ({ kind: 'watch', stream, request: this.#watch(stream) })],
      [2, () => ({ kind: 'cancel', stream, nth: this.#nth() })],
      [0.5, () => ({ kind: 'reopen', stream })],
      [1, () => ({ kind: 'settle' })],
    ])();
  }

  #key(): string {
    return this.#random.chance(0.02) ? '' : bytes(this.#random.pick(keys));
  }

  #value(): string {
    return bytes(this.#random.pick(values));
  }

  #leaseId(): string {
    return this.#random.pick(leaseIds);
  }

  /** Adds a range end, more often than not. */
  #keyRange(): JsonObject {
    const key = this.#key();
    if (this.#random.chance(0.3)) return { key };
    if (this.#random.chance(0.3)) return { key: bytes('\0'), rangeEnd: bytes('\0') };
    return { key, rangeEnd: bytes(this.#random.pick(rangeEnds)) };
  }

  /** A revision to read at. */
  #revision(): string {
    return this.#random.weighted<() => string>([
      [50, () => '0'],
      [40, () => `now-${this.#random.below(12)}`],
      [4, () => `now+${this.#random.between(1, 4)}`],
      [8, () => `compacted+${this.#random.below(3)}`],
      [4, () => `compacted-${this.#random.between(1, 3)}`],
      [2, () => `-${this.#random.between(1, 9)}`],
    ])();
  }

  #range(): JsonObject {
    const request = this.#keyRange();
    if (this.#random.chance(0.4)) request.revision = this.#revision();
    if (this.#random.chance(0.3)) request.limit = `${this.#random.between(-1, 6)}`;
    if (this.#random.chance(0.3)) request.sortOrder = this.#random.pick(sortOrders);
    if (this.#random.chance(0.3)) request.sortTarget = this.#random.pick(sortTargets);
    if (this.#random.chance(0.2)) request.serializable = true;
    if (this.#random.chance(0.15)) request.keysOnly = true;
    if (this.#random.chance(0.15)) request.countOnly = true;
    const filters = ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'];
    for (const filter of filters) {
      if (this.#random.chance(0.08)) request[filter] = `now-${this.#random.below(25)}`;
    }
    return request;
  }

  #put(): JsonObject {
    const request: JsonObject = { key: this.#key() };
    const ignoresValue = this.#random.chance(0.1);
    const ignoresLease = this.#random.chance(0.1);
    if (ignoresValue) request.ignoreValue = true;
    if (ignoresLease) request.ignoreLease = true;
    if (!ignoresValue || this.#random.chance(0.1)) request.value = this.#value();
    if (this.#random.chance(ignoresLease ? 0.1 : 0.25)) request.lease = this.#leaseId();
    if (this.#random.chance(0.3)) request.prevKv = true;
    return request;
  }

  #deleteRange(mayBeOpen = true): JsonObject {
    // A range of everything is rare: there must be something left to work on.
    const wide = this.#random.chance(0.3);
    const range = wide ? this.#keyRange() : { key: this.#key() };
    if (!mayBeOpen && range.rangeEnd === bytes('\0')) range.rangeEnd = bytes('d');
    return { ...range, prevKv: this.#random.chance(0.4) };
  }

  #compare(): JsonObject {
    const target = this.#random.pick(compareTargets);
    const compare: JsonObject = { result: this.#random.pick(results), target, key: this.#key() };
    if (this.#random.chance(0.3)) compare.rangeEnd = bytes(this.#random.pick(rangeEnds));
    // Now and then the operand is not the one that the target asks for, or there is none.
    const operand = this.#random.chance(0.05) ? this.#random.pick(compareTargets) : target;
    if (this.#random.chance(0.05)) return compare;
    const revision = this.#random.chance(0.3) ? '0' : `now-${this.#random.below(8)}`;
    if (operand === 'VERSION') compare.version = `${this.#random.below(5)}`;
    if (operand === 'CREATE') compare.createRevision = revision;
    if (operand === 'MOD') compare.modRevision = revision;
    if (operand === 'VALUE') compare.value = this.#value();
    if (operand === 'LEASE') compare.lease = this.#random.chance(0.4) ? '0' : this.#leaseId();
    return compare;
  }

  /**
   * With `open` a transaction has deletions without an end, else it has puts: the two together damage the data of
   * etcd 3.5, which dies of it.
   */
  #txn(depth: number, open = this.#random.chance(0.3)): JsonObject {
    knownDifference('put-under-open-delete');
    const count = () => (this.#random.chance(0.04) ? maxTxnOps + 1 : this.#random.below(4));
    const compares = this.#random.chance(0.4) ? 0 : this.#random.below(3);
    return {
      compare: this.#random.list(compares, () => this.#compare()),
      success: this.#random.list(count(), () => this.#operation(depth, open)),
      failure: this.#random.list(count(), () => this.#operation(depth, open)),
    };
  }

  #operation(depth: number, open: boolean): JsonObject {
    return this.#random.weighted<() => JsonObject>([
      [open ? 0 : 40, () => ({ requestPut: this.#put() })],
      [30, () => ({ requestRange: this.#range() })],
      [12, () => ({ requestDeleteRange: this.#deleteRange(open) })],
      [depth > 0 ? 15 : 0, () => ({ requestTxn: this.#txn(depth - 1, open) })],
      [0.5, () => ({})],
    ])();
  }

  #compaction(): JsonObject {
    const revision = this.#random.weighted<() => string>([
      [60, () => `now-${this.#random.between(1, 15)}`],
      [10, () => 'now-0'],
      [10, () => `now+${this.#random.between(1, 3)}`],
      [10, () => `compacted+${this.#random.below(2)}`],
      [5, () => 'compacted-1'],
      [3, () => '0'],
      [2, () => '-1'],
    ])();
    return { revision, physical: this.#random.chance(0.5) };
  }

  #grant(): JsonObject {
    return { ID: this.#leaseId(), TTL: this.#random.pick(ttls) };
  }

  #shortLease(): JsonObject {
    return {
      ID: `${this.#random.between(100, 200)}`,
      TTL: this.#random.pick(['0', '-1', '1', '2']),
    };
  }

  #watch(stream: StreamNumber): JsonObject {
    const request = this.#keyRange();
    if (this.#random.chance(0.05)) request.key = '';
    if (this.#random.chance(0.6)) request.startRevision = this.#startRevision(stream);
    if (this.#random.chance(0.3)) request.prevKv = true;
    if (this.#random.chance(0.2)) request.fragment = true;
    if (this.#random.chance(0.1)) request.progressNotify = true;
    if (this.#random.chance(0.1)) request.watchId = `${this.#random.between(1, 6)}`;
    if (this.#random.chance(0.3)) {
      request.filters = this.#random.pick([['NOPUT'], ['NODELETE'], ['NODELETE', 'NOPUT']]);
    }
    return request;
  }

  /** The past, or the future: never both on one stream, because a watch of the future holds progress back. */
  #startRevision(stream: StreamNumber): string {
    if (stream === futureStream) return `now+${this.#random.between(1, 12)}`;
    return this.#random.weighted<() => string>([
      [60, () => `now-${this.#random.below(20)}`],
      [20, () => `compacted+${this.#random.below(2)}`],
      [10, () => `compacted-${this.#random.between(1, 4)}`],
      [10, () => '1'],
      [3, () => '-3'],
    ])();
  }

  #nth(): number | 'unknown' {
    return this.#random.chance(0.1) ? 'unknown' : this.#random.below(20);
  }
}

function unary(method: Extract<Call, { kind: 'unary' }>['method'], request: JsonObject): Call {
  return { kind: 'unary', method, request };
}
