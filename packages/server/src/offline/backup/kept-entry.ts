import type { Entry } from '@kvorum/raft';
import { ProtoError, ProtoReader } from '../../codec/proto-reader.ts';

/**
 * What a normal entry of etcd up to 3.5 holds: a request of the v2 API, or one of the v3 API.
 *
 *   etcdserverpb.Request              | id=1 | method=2, text | path=3, text | val=4, text | ...    all of them
 *   etcdserverpb.InternalRaftRequest  | header=100 | v2=2, a Request | range=3 | put=4 | ...        one, and the header
 */
const METHOD_FIELD = 2;
const PATH_FIELD = 3;
const V2_FIELD = 2;
const MEMBER_ATTRIBUTES_FIELD = 1301;

/** Where the v2 store keeps what members say of themselves. */
const ATTRIBUTES_PATH = /^\/0\/members\/[0-9a-f]{1,16}\/attributes$/;
/** Methods of the v2 API; no InternalRaftRequest has such bytes in its field 2. */
const METHOD = /^[A-Z]+$/;

const NO_BYTES = new Uint8Array(0);

/**
 * An entry as a backup has it. What made and named the members of the old cluster is blanked: entries keep their index
 * and lose their contents. So are, without `withV3`, requests of the v3 API.
 */
export function keptEntry(entry: Entry, withV3: boolean): Entry {
  return isKept(entry, withV3) ? entry : { ...entry, type: 'normal', data: NO_BYTES };
}

function isKept({ type, data }: Entry, withV3: boolean): boolean {
  if (type !== 'normal') return false;
  if (data.length === 0) return true;
  const direct = fieldOf(data, METHOD_FIELD);
  if (direct === undefined) return withV3 && fieldOf(data, MEMBER_ATTRIBUTES_FIELD) === undefined;
  const request = METHOD.test(textOf(direct)) ? data : (fieldOf(data, V2_FIELD) ?? NO_BYTES);
  return !ATTRIBUTES_PATH.test(textOf(fieldOf(request, PATH_FIELD) ?? NO_BYTES));
}

/** A length-delimited field at the top level of a message; undefined when it has none. */
function fieldOf(message: Uint8Array, wanted: number): Uint8Array | undefined {
  try {
    const reader = new ProtoReader(message);
    for (let field = reader.next(); field !== 0; field = reader.next()) {
      if (field === wanted && reader.wireType === 2) return reader.bytes();
      reader.skip();
    }
    return undefined;
  } catch (error) {
    if (error instanceof ProtoError) return undefined;
    throw error;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
