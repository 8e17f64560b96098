import { fromBinary } from '@bufbuild/protobuf';
import {
  AlarmMemberSchema,
  leasepb,
  type Role,
  RoleSchema,
  type User,
  UserSchema,
} from '@kvorum/api';
import { decodeKeyValue, type ImportedRevision } from '@kvorum/mvcc';
import { type Member, memberFromJson } from '../membership/cluster.ts';
import { BoltBucket } from '../snapshot/bolt-bucket.ts';
import { BoltFile, type ByteSource } from '../snapshot/bolt-file.ts';
import type { BoltRow } from '../snapshot/bolt-page-view.ts';
import { DatabaseFileError } from '../snapshot/database-file-error.ts';
import { isV2SnapshotRow, V2_BUCKET } from '../v2/v2-rows.ts';

/*
 * etcd's schema 3.4 to 3.6 in a bbolt file, bucket by bucket (`etcd: server/storage/schema`).
 *
 *   key              revision → KeyValue; a revision is main (8, BE) '_' sub (8, BE), and 't' behind it for a tombstone
 *   meta             consistent_index and term (8, BE), confState (JSON), storageVersion (text, 3.6),
 *                    scheduledCompactRev and finishedCompactRev (revisions)
 *   lease            id (8, BE) → leasepb.Lease
 *   auth             authEnabled (1 byte), authRevision (8, BE)
 *   authUsers        name → authpb.User
 *   authRoles        name → authpb.Role
 *   members          id in hex → JSON
 *   members_removed  id in hex → "removed"
 *   cluster          clusterVersion (text)
 *   alarm            etcdserverpb.AlarmMember → nothing
 *   kvorum_v2        Kvorum's alone: rows of the v2 keys (`v2/v2-node.ts`)
 */

const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;
const REVISION_BYTES = 17;
/** Without these a database is not etcd's. */
const NEEDED_BUCKETS = ['key', 'meta'];

/** A lease as it is stored. */
export interface StoredLease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  /** At the last checkpoint; 0 for the whole TTL. */
  readonly remainingSeconds: number;
}

/** The numbers of the bucket `meta`. */
export interface StoredMeta {
  /** Index of the last entry that was applied. */
  readonly consistentIndex: number;
  /** 0 in schema 3.4, which doesn't store it. */
  readonly term: number;
  /** Revision up to which was compacted; -1 for never. */
  readonly scheduledCompactRevision: number;
  /** Revision up to which compaction has removed its rows; -1 for never. */
  readonly finishedCompactRevision: number;
  /** Since 3.6, such as `3.6.0`. */
  readonly storageVersion: string;
}

/** Users, roles and whether anybody is asked who they are. */
export interface StoredAuth {
  readonly isEnabled: boolean;
  readonly revision: number;
  readonly users: readonly User[];
  readonly roles: readonly Role[];
}

/** One row of the bucket `key`. */
export interface StoredRevision extends ImportedRevision {
  /** `etcdutl snapshot restore --bump-revision` leaves a revision without a key. */
  readonly isEmpty: boolean;
  /** Bytes of the row. */
  readonly size: number;
}

/**
 * An etcd database, open for reading. Whatever is wrong with it shows as `DatabaseFileError`, at the call or in the
 * middle of an iteration.
 */
export class EtcdDatabase {
  readonly file: BoltFile;
  readonly #buckets = new Map<string, BoltBucket>();

  private constructor(file: BoltFile) {
    this.file = file;
  }

  static open(source: ByteSource): EtcdDatabase {
    const database = new EtcdDatabase(BoltFile.open(source));
    const buckets = database.#buckets;
    for (const row of BoltBucket.root(database.file).rows()) {
      if (row.isBucket) buckets.set(textOf(row.key), BoltBucket.of(database.file, row));
    }
    const missing = NEEDED_BUCKETS.filter((name) => !buckets.has(name));
    if (missing.length > 0) {
      const text = `this is a bbolt database, but not etcd's: it has no bucket ${missing.join(', ')}`;
      throw new DatabaseFileError('foreign', text);
    }
    return database;
  }

  /** Names of all buckets, in ascending order. */
  bucketNames(): string[] {
    return [...this.#buckets.keys()];
  }

  /** The rows of a bucket; none when there is no such bucket. */
  *rows(bucket: string): Generator<BoltRow, void, undefined> {
    for (const row of this.#buckets.get(bucket)?.rows() ?? []) {
      if (row.isBucket) throw corrupt(`bucket ${bucket} has a bucket ${textOf(row.key)}`);
      yield row;
    }
  }

  /** All revisions that compaction has left, in ascending order. */
  *revisions(): Generator<StoredRevision, void, undefined> {
    for (const { key, value } of this.rows('key')) {
      const { main, sub, isTombstone } = revisionOf(key);
      const kv = decoded(`the KeyValue of revision ${main}/${sub}`, () => decodeKeyValue(value));
      const isEmpty = value.length === 0;
      yield { main, sub, isTombstone, kv, isEmpty, size: key.length + value.length };
    }
  }

  *leases(): Generator<StoredLease, void, undefined> {
    for (const { key, value } of this.rows('lease')) {
      const lease = decoded('a lease', () => fromBinary(leasepb.LeaseSchema, value));
      const [ttlSeconds, remainingSeconds] = [Number(lease.TTL), Number(lease.RemainingTTL)];
      const isSound = key.length === 8 && asBuffer(key).readBigInt64BE(0) === lease.ID;
      if (!isSound || lease.ID <= 0n || !isCount(ttlSeconds) || !isCount(remainingSeconds)) {
        throw corrupt(`lease ${lease.ID} contradicts itself`);
      }
      yield { id: lease.ID, ttlSeconds, remainingSeconds };
    }
  }

  meta(): StoredMeta {
    const rows = this.#named('meta');
    return {
      consistentIndex: uint64Of(rows.get('consistent_index')),
      term: uint64Of(rows.get('term')),
      scheduledCompactRevision: compactRevisionOf(rows.get('scheduledCompactRev')),
      finishedCompactRevision: compactRevisionOf(rows.get('finishedCompactRev')),
      storageVersion: textOf(rows.get('storageVersion') ?? new Uint8Array(0)),
    };
  }

  auth(): StoredAuth {
    const rows = this.#named('auth');
    const users = [...this.rows('authUsers')].map(({ value }) =>
      decoded('a user', () => fromBinary(UserSchema, value)),
    );
    const roles = [...this.rows('authRoles')].map(({ value }) =>
      decoded('a role', () => fromBinary(RoleSchema, value)),
    );
    const isEnabled = rows.get('authEnabled')?.[0] === 1;
    return { isEnabled, revision: uint64Of(rows.get('authRevision')), users, roles };
  }

  /** Rows of the v2 API, by the names that they have in a store. Only a database of Kvorum has any. */
  *v2Rows(): Generator<BoltRow, void, undefined> {
    for (const row of this.rows(V2_BUCKET)) {
      if (!isV2SnapshotRow(row.key, row.value)) throw corrupt('a row of the v2 keys is none');
      yield row;
    }
  }

  /** The members of the cluster that the database is of. */
  members(): Member[] {
    return [...this.rows('members')].map(({ value }) =>
      decoded('a member', () => memberFromJson(textOf(value))),
    );
  }

  /** Such as `3.5.0`; undefined before the cluster had agreed on one. */
  clusterVersion(): string | undefined {
    const row = this.#named('cluster').get('clusterVersion');
    return row === undefined ? undefined : textOf(row);
  }

  alarms(): { readonly memberId: bigint; readonly alarm: number }[] {
    return [...this.rows('alarm')].map(({ key }) => {
      const { memberID, alarm } = decoded('an alarm', () => fromBinary(AlarmMemberSchema, key));
      return { memberId: memberID, alarm };
    });
  }

  /** A bucket of few rows, by name. */
  #named(bucket: string): Map<string, Uint8Array> {
    return new Map([...this.rows(bucket)].map(({ key, value }) => [textOf(key), value]));
  }
}

/** The revision that a row of the bucket `key` is of. Throws `DatabaseFileError`. */
export function revisionOf(key: Uint8Array): { main: number; sub: number; isTombstone: boolean } {
  const isTombstone = key.length === REVISION_BYTES + 1 && key[REVISION_BYTES] === TOMBSTONE_MARK;
  const bytes = asBuffer(key);
  if ((key.length !== REVISION_BYTES && !isTombstone) || key[8] !== UNDERSCORE) {
    throw corrupt(`bucket key has a key that is no revision: ${bytes.toString('hex', 0, 32)}`);
  }
  const [main, sub] = [bytes.readBigUInt64BE(0), bytes.readBigUInt64BE(9)];
  if (main > Number.MAX_SAFE_INTEGER || sub > Number.MAX_SAFE_INTEGER) {
    throw corrupt(`bucket key has revision ${main}/${sub}`);
  }
  return { main: Number(main), sub: Number(sub), isTombstone };
}

function compactRevisionOf(row: Uint8Array | undefined): number {
  return row === undefined || row.length === 0 ? -1 : revisionOf(row).main;
}

function uint64Of(row: Uint8Array | undefined): number {
  if (row === undefined) return 0;
  if (row.length !== 8) throw corrupt('a number of bucket meta or auth does not have 8 bytes');
  const value = asBuffer(row).readBigUInt64BE(0);
  if (value > Number.MAX_SAFE_INTEGER) throw corrupt(`bucket meta or auth has number ${value}`);
  return Number(value);
}

/** Every decoder has its own error; here the file is to blame for all of them. */
function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw corrupt(`${what} can't be read: ${reason}`);
  }
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function textOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function corrupt(what: string): DatabaseFileError {
  return new DatabaseFileError('corrupt', what);
}
