import type { RangeQuery } from '../range-query.ts';

/** One version of one key, in words instead of bytes: keys and values are latin1 texts. */
export interface ModelVersion {
  readonly main: number;
  readonly sub: number;
  readonly key: string;
  readonly deleted: boolean;
  readonly createRevision: number;
  readonly version: number;
  readonly value: string;
  readonly lease: bigint;
}

/** A range query in texts. */
export type ModelQuery = Omit<RangeQuery, 'key' | 'rangeEnd'> & {
  readonly key: string;
  readonly rangeEnd?: string | undefined;
};

/** What the model answers; 'compacted' and 'futureRevision' stand for the errors. */
export type ModelAnswer =
  | { readonly kvs: ModelVersion[]; readonly count: number; readonly more: boolean }
  | 'compacted'
  | 'futureRevision';

/**
 * The store as its definition reads: a list of all versions ever written, searched from end to end for
 * every question. Nothing is ever removed; compaction is a number.
 */
export class ModelStore {
  readonly versions: ModelVersion[] = [];
  revision = 1;
  compactRevision = -1;
  #nextSub = 0;

  /** Starts a transaction: the next change has a new revision. */
  begin(): void {
    this.#nextSub = 0;
  }

  put(key: string, value: string, lease: bigint): ModelVersion | undefined {
    const prev = this.at(key, this.revision);
    const { main, sub } = this.#nextRevision();
    this.versions.push({
      main,
      sub,
      key,
      deleted: false,
      createRevision: prev?.createRevision ?? main,
      version: (prev?.version ?? 0) + 1,
      value,
      lease,
    });
    return prev;
  }

  deleteRange(key: string, rangeEnd: string | undefined): ModelVersion[] {
    const found = this.#live(this.revision).filter((kv) => covers(key, rangeEnd, kv.key));
    for (const prev of found) {
      const { main, sub } = this.#nextRevision();
      const gone = { createRevision: 0, version: 0, value: '', lease: 0n };
      this.versions.push({ main, sub, key: prev.key, deleted: true, ...gone });
    }
    return found;
  }

  compact(revision: number): 'compacted' | 'futureRevision' | undefined {
    if (revision <= this.compactRevision) return 'compacted';
    if (revision > this.revision) return 'futureRevision';
    this.compactRevision = revision;
    return undefined;
  }

  range(query: ModelQuery): ModelAnswer {
    const asked = query.revision ?? 0;
    if (asked > this.revision) return 'futureRevision';
    const revision = asked <= 0 ? this.revision : asked;
    if (revision < this.compactRevision) return 'compacted';
    const found = this.#live(revision).filter((kv) => covers(query.key, query.rangeEnd, kv.key));
    const count = found.length;
    if (query.countOnly) return { kvs: [], count, more: false };
    const limit = query.limit ?? 0;
    const order = query.sortOrder ?? 'none';
    const target = query.sortTarget ?? 'key';
    const filtered = found.filter((kv) => passes(kv, query));
    const pushedDown =
      !filters(query) && (order === 'none' || (order === 'ascend' && target === 'key'));
    const fetched = limit > 0 && pushedDown ? filtered.slice(0, limit + 1) : filtered;
    const sorted = [...fetched];
    if (target !== 'key') {
      const sign = order === 'descend' ? -1 : 1;
      sorted.sort((a, b) => sign * compare(sortKey(a, target), sortKey(b, target)));
    } else if (order === 'descend') sorted.reverse();
    const more = limit > 0 && sorted.length > limit;
    const kept = more ? sorted.slice(0, limit) : sorted;
    return { kvs: query.keysOnly ? kept.map((kv) => stripped(kv, target)) : kept, count, more };
  }

  /** The live version of a key at a revision. */
  at(key: string, revision: number): ModelVersion | undefined {
    const last = this.versions.findLast((v) => v.key === key && v.main <= revision);
    return last === undefined || last.deleted ? undefined : last;
  }

  /** The version that `version` replaced, or undefined if it created its key. */
  before(version: ModelVersion): ModelVersion | undefined {
    const index = this.versions.indexOf(version);
    const last = this.versions.slice(0, index).findLast((v) => v.key === version.key);
    return last === undefined || last.deleted ? undefined : last;
  }

  leaseKeys(lease: bigint): string[] {
    return this.#live(this.revision)
      .filter((kv) => kv.lease === lease)
      .map((kv) => kv.key);
  }

  /** The versions that compaction must leave, in order of revision. */
  kept(): ModelVersion[] {
    const compact = this.compactRevision;
    return this.versions.filter((version, i) => {
      if (version.main > compact) return true;
      if (version.deleted) return version.main === compact;
      const next = this.versions.slice(i + 1).find((v) => v.key === version.key);
      return next === undefined || next.main > compact;
    });
  }

  #live(revision: number): ModelVersion[] {
    const keys = [...new Set(this.versions.map((v) => v.key))].sort(compare);
    return keys.map((key) => this.at(key, revision)).filter((kv) => kv !== undefined);
  }

  #nextRevision(): { main: number; sub: number } {
    if (this.#nextSub === 0) this.revision++;
    return { main: this.revision, sub: this.#nextSub++ };
  }
}

function covers(key: string, rangeEnd: string | undefined, candidate: string): boolean {
  if (rangeEnd === undefined || rangeEnd === '') return candidate === key;
  return candidate >= key && (rangeEnd === '\0' || candidate < rangeEnd);
}

function filters(query: ModelQuery): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = query;
  return Boolean(minModRevision || maxModRevision || minCreateRevision || maxCreateRevision);
}

function passes(kv: ModelVersion, query: ModelQuery): boolean {
  if (query.minModRevision && kv.main < query.minModRevision) return false;
  if (query.maxModRevision && kv.main > query.maxModRevision) return false;
  if (query.minCreateRevision && kv.createRevision < query.minCreateRevision) return false;
  return !(query.maxCreateRevision && kv.createRevision > query.maxCreateRevision);
}

function sortKey(kv: ModelVersion, target: string): number | string {
  if (target === 'version') return kv.version;
  if (target === 'create') return kv.createRevision;
  return target === 'mod' ? kv.main : kv.value;
}

function stripped(kv: ModelVersion, target: string): ModelVersion {
  return { ...kv, value: '', lease: target === 'value' ? kv.lease : 0n };
}

function compare<T extends number | string>(a: T, b: T): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
