import { BinaryReader } from '@bufbuild/protobuf/wire';

// The few fields of etcd's messages that decide where a call goes, read without decoding the rest.

/** Who answered, in which term, and at which revision. */
export interface HeaderGlimpse {
  readonly memberId: bigint;
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

/** At which revision a range is read, 0n being the latest, and whether by what the member has. */
export interface ReadGlimpse {
  readonly revision: bigint;
  readonly isSerializable: boolean;
}

const headerField = 1;
const memberIdField = 2;
const revisionField = 3;
const raftTermField = 4;
const readRevisionField = 4;
const serializableField = 7;

/** The header that nearly all of etcd's responses begin with; undefined when this one does not. */
export function glimpseHeader(response: Uint8Array): HeaderGlimpse | undefined {
  try {
    const reader = new BinaryReader(response);
    if (response.length === 0 || reader.tag()[0] !== headerField) return undefined;
    const header = new BinaryReader(reader.bytes());
    let memberId = 0n;
    let revision = 0n;
    let raftTerm = 0n;
    while (header.pos < header.len) {
      const [field, type] = header.tag();
      if (field === memberIdField) memberId = BigInt(header.uint64());
      else if (field === revisionField) revision = BigInt(header.int64());
      else if (field === raftTermField) raftTerm = BigInt(header.uint64());
      else header.skip(type, field);
    }
    return { memberId, revision, raftTerm };
  } catch {
    return undefined;
  }
}

/** What a RangeRequest asks for. */
export function glimpseRead(rangeRequest: Uint8Array): ReadGlimpse {
  let revision = 0n;
  let isSerializable = false;
  try {
    const reader = new BinaryReader(rangeRequest);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === readRevisionField) revision = BigInt(reader.int64());
      else if (field === serializableField) isSerializable = reader.bool();
      else reader.skip(type, field);
    }
  } catch {
    // The server will say what is wrong with it.
  }
  return { revision, isSerializable };
}
