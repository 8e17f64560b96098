import { emptyConfState } from '@kvorum/raft';
import { type LoadedSnapshot, WalError } from '@kvorum/wal';
import { ProtoError, ProtoReader } from '../../codec/proto-reader.ts';
import { ProtoWriter } from '../../codec/proto-writer.ts';
import { encodeConfState } from '../../codec/raft-records.ts';
import { formatId } from '../../membership/ids.ts';
import type { Identity } from './identity.ts';

/** A node of the v2 store as its JSON has it; a folder has children. */
interface StoredNode {
  Path: string;
  CreatedIndex: number;
  ModifiedIndex: number;
  ExpireTime: string;
  Value: string;
  Children: Record<string, StoredNode> | null;
}

/** Of the nodes that never expire. */
const NEVER = '0001-01-01T00:00:00Z';

/**
 * The raftpb.Snapshot of a backup: that of a member, whose data is the v2 store, with the placeholder in the place of
 * all members. Keys of clients stay as they are, with their indexes. Throws `WalError` "corrupt".
 *
 *   raftpb.Snapshot  | data=1, JSON | metadata=2 | conf_state=1 | index=2 | term=3 |
 *   v2 store         {"Root": {"Children": {"0": {"Children": {"members": …, "removed_members": …, "version": …}},
 *                                           "1": keys of clients}}, "CurrentIndex": …, …}
 */
export function backupSnapshot(source: LoadedSnapshot, { placeholder }: Identity): Buffer {
  const store = storeOf(source);
  const system = childOf(store.Root, '/0', '0', store.CurrentIndex);
  delete system.removed_members;
  delete system.members;
  const { id, peerUrls } = placeholder;
  const members = newNode('/0/members', store.CurrentIndex, {});
  const member = newNode(`/0/members/${formatId(id)}`, store.CurrentIndex, {});
  const attributes = newNode(`${member.Path}/raftAttributes`, store.CurrentIndex, null);
  attributes.Value = JSON.stringify({ peerURLs: peerUrls });
  member.Children = { raftAttributes: attributes };
  members.Children = { [formatId(id)]: member };
  system.members = members;

  const confState = encodeConfState({ ...emptyConfState, voters: [id] });
  const metadata = new ProtoWriter(64).bytes(0x0a, confState).tag(0x10).uint(source.index);
  metadata.tag(0x18).uint(source.term);
  const data = Buffer.from(JSON.stringify(store));
  const size = data.length + 64;
  return new ProtoWriter(size).bytes(0x0a, data).bytes(0x12, metadata.take()).take();
}

/** The children of a folder of the store, which is made when it isn't there. */
function childOf(
  parent: StoredNode,
  path: string,
  name: string,
  index: number,
): Record<string, StoredNode> {
  parent.Children ??= {};
  const child = parent.Children[name] ?? newNode(path, index, {});
  parent.Children[name] = child;
  child.Children ??= {};
  return child.Children;
}

function newNode(
  path: string,
  index: number,
  children: Record<string, StoredNode> | null,
): StoredNode {
  return {
    Path: path,
    CreatedIndex: index,
    ModifiedIndex: index,
    ExpireTime: NEVER,
    Value: '',
    Children: children,
  };
}

function storeOf({ data, file }: LoadedSnapshot): { Root: StoredNode; CurrentIndex: number } {
  try {
    const store: unknown = JSON.parse(Buffer.from(dataOf(data)).toString());
    if (isStore(store)) return store;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof ProtoError)) throw error;
  }
  throw new WalError('corrupt', `${file}: this snapshot holds no v2 store of etcd`, { file });
}

function isStore(value: unknown): value is { Root: StoredNode; CurrentIndex: number } {
  if (typeof value !== 'object' || value === null) return false;
  if (!('Root' in value) || !('CurrentIndex' in value)) return false;
  return typeof value.Root === 'object' && value.Root !== null && 'Children' in value.Root;
}

/** Field 1 of a raftpb.Snapshot. */
function dataOf(snapshot: Uint8Array): Uint8Array {
  const reader = new ProtoReader(snapshot);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) return reader.bytes();
    reader.skip();
  }
  return new Uint8Array(0);
}
