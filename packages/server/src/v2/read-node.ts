import { decodeKeyValue, type Store } from '@kvorum/mvcc';
import { findNode } from './find-node.ts';
import { isHiddenName, nameOf } from './key-path.ts';
import { StoreView } from './node-view.ts';
import { storeKeyOf } from './reserved-keys.ts';
import { eventJson, nodeJson } from './v2-event.ts';
import { childrenPrefix, decodeNode, pathOfRow, subtreePrefix, type V2Node } from './v2-node.ts';

export interface NodeQuery {
  readonly path: string;
  /** All that is below a directory, rather than its first level. */
  readonly isRecursive: boolean;
  /** In nanoseconds since 1970; what is left of TTLs counts from here. */
  readonly nowNs: bigint;
  /** The v2 index. */
  readonly index: number;
}

/** Lets others have their turn while a large directory is read. */
export interface Turns {
  nowMs(): number;
  nextTurn(callback: () => void): void;
}

/** After so long, or so many nodes, others have their turn. */
const SLICE_MS = 4;
const NODES_PER_LOOK = 64;

/**
 * The body that tells of a node, and of a directory's children, as they are at the moment of the call. Listings leave out
 * what is hidden, and are always in order. Rejects with `V2Error` 100 or 104.
 */
export async function readNode(store: Store, query: NodeQuery, turns: Turns): Promise<string> {
  const { path, nowNs, index } = query;
  const view = new StoreView(store);
  const node = findNode(view, path, index);
  if (!node.isDir) {
    return eventJson('get', nodeJson(node, { value: view.valueOf(path), nowNs }), undefined);
  }
  const listing = await listingOf(store, node, query, turns);
  return eventJson('get', listing.jsonOf(node), undefined);
}

async function listingOf(
  store: Store,
  root: V2Node,
  query: NodeQuery,
  turns: Turns,
): Promise<Listing> {
  const { revision } = store;
  const listing = new Listing(root.path, query.nowNs);
  const gte = query.isRecursive ? subtreePrefix(root.path) : childrenPrefix(root.path);
  const scan = store.engine.scan('meta', { gte, lt: endOf(gte) });
  try {
    let sliceEndMs = turns.nowMs() + SLICE_MS;
    for (let rows = scan.next(NODES_PER_LOOK); rows.length > 0; rows = scan.next(NODES_PER_LOOK)) {
      for (let i = 0; i + 1 < rows.length; i += 2) {
        const path = pathOfRow(rows[i] as Uint8Array);
        if (listing.hides(path)) continue;
        const node = decodeNode(path, rows[i + 1] as Uint8Array);
        listing.add(node, node.isDir ? undefined : valueAt(store, path, revision));
      }
      if (turns.nowMs() < sliceEndMs) continue;
      await new Promise<void>((resolve) => turns.nextTurn(resolve));
      sliceEndMs = turns.nowMs() + SLICE_MS;
    }
  } finally {
    scan.close();
  }
  return listing;
}

/** A file's value as it was at a revision. */
function valueAt(store: Store, path: string, revision: number): string {
  if (store.revision === revision) return new StoreView(store).valueOf(path);
  const key = Buffer.from(storeKeyOf(path), 'latin1');
  const [wire] = store.range({ key, revision }).kvs;
  if (wire === undefined) return '';
  return Buffer.from(decodeKeyValue(wire).value).toString('latin1');
}

/** Nodes by the directory that they are in. */
class Listing {
  readonly #rootPath: string;
  readonly #nowNs: bigint;
  /** Of files their JSON, of directories themselves: what is in them comes later. */
  readonly #children = new Map<string, (string | V2Node)[]>();

  constructor(rootPath: string, nowNs: bigint) {
    this.#rootPath = rootPath;
    this.#nowNs = nowNs;
  }

  /** Whether the way from the root of the listing to a path is hidden. */
  hides(path: string): boolean {
    return path.slice(this.#rootPath.length).split('/').some(isHiddenName);
  }

  add(node: V2Node, value: string | undefined): void {
    const { path } = node;
    const directory = path.slice(0, path.length - nameOf(path).length - 1);
    let children = this.#children.get(directory);
    if (children === undefined) {
      children = [];
      this.#children.set(directory, children);
    }
    children.push(value === undefined ? node : nodeJson(node, { value, nowNs: this.#nowNs }));
  }

  jsonOf(node: V2Node): string {
    const children = this.#children.get(node.path) ?? [];
    const nodes = children.map((one) => (typeof one === 'string' ? one : this.jsonOf(one)));
    return nodeJson(node, { value: undefined, nowNs: this.#nowNs, nodes });
  }
}

/** The end of all keys with a prefix, which ends with a slash. */
function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}
