import {
  type ApplyBatch,
  decodeKeyValue,
  type KeyMeta,
  type Store,
  type WriteTxn,
} from '@kvorum/mvcc';
import { KEYS_ROOT } from './key-path.ts';
import { storeKeyOf, storeKeysBelow } from './reserved-keys.ts';
import {
  adminRowKey,
  childrenPrefix,
  decodeNode,
  encodeExpiration,
  encodeNode,
  expirationRowKey,
  fixedNode,
  nodeRowKey,
  pathOfRow,
  type V2Node,
} from './v2-node.ts';

/** The tree of nodes, to be read. */
export interface NodeView {
  node(path: string): V2Node | undefined;
  /** A file's value, as a text of bytes. */
  valueOf(path: string): string;
  /** In the order of their names' bytes. */
  children(directory: string): Iterable<V2Node>;
}

/** What the store holds. */
export class StoreView implements NodeView {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  node(path: string): V2Node | undefined {
    const fixed = fixedNode(path);
    if (fixed !== undefined) return fixed;
    const row = this.#store.engine.get('meta', nodeRowKey(path));
    return row === undefined ? undefined : decodeNode(path, row);
  }

  valueOf(path: string): string {
    if (!isClients(path)) return textOf(this.#store.engine.get('meta', adminRowKey(path)));
    const found = this.#store.get(storeKeyOf(path));
    return found === undefined ? '' : valueIn(this.#store.wireOf(found));
  }

  *children(directory: string): Generator<V2Node> {
    const gte = childrenPrefix(directory);
    const scan = this.#store.engine.scan('meta', { gte, lt: endOf(gte) });
    try {
      for (;;) {
        const rows = scan.next(256);
        if (rows.length === 0) return;
        for (let i = 0; i < rows.length; i += 2) {
          yield decodeNode(pathOfRow(rows[i] as Uint8Array), rows[i + 1] as Uint8Array);
        }
      }
    } finally {
      scan.close();
    }
  }
}

/** What an open batch has made of it; changes go into the batch. */
export class BatchView implements NodeView {
  readonly #batch: ApplyBatch;
  readonly #txn: WriteTxn;

  constructor(batch: ApplyBatch, txn: WriteTxn) {
    this.#batch = batch;
    this.#txn = txn;
  }

  node(path: string): V2Node | undefined {
    const fixed = fixedNode(path);
    if (fixed !== undefined) return fixed;
    const row = this.#batch.getRow('meta', nodeRowKey(path));
    return row === undefined ? undefined : decodeNode(path, row);
  }

  valueOf(path: string): string {
    if (!isClients(path)) return textOf(this.#batch.getRow('meta', adminRowKey(path)));
    const found: KeyMeta | undefined = this.#txn.get(storeKeyOf(path));
    return found === undefined ? '' : valueIn(this.#txn.wireOf(found));
  }

  *children(directory: string): Generator<V2Node> {
    for (const [key, row] of this.#batch.rows('meta', childrenPrefix(directory))) {
      yield decodeNode(pathOfRow(key), row);
    }
  }

  putNode(node: V2Node): void {
    this.#batch.putRow('meta', nodeRowKey(node.path), encodeNode(node));
  }

  /** Notes when a node expires; undefined for one that did and stays now. */
  putExpiration(path: string, ns: bigint | undefined): void {
    const key = expirationRowKey(path);
    if (ns === undefined) this.#batch.deleteRow('meta', key);
    else this.#batch.putRow('meta', key, encodeExpiration(ns));
  }

  putValue(path: string, value: string): void {
    const bytes = Buffer.from(value, 'latin1');
    if (isClients(path)) this.#txn.put(Buffer.from(storeKeyOf(path), 'latin1'), bytes, 0n);
    else this.#batch.putRow('meta', adminRowKey(path), bytes);
  }

  /** Deletes a node, and of a file the value; a directory's children are to be deleted before. */
  deleteNode(node: V2Node): void {
    this.#batch.deleteRow('meta', nodeRowKey(node.path));
    if (node.isDir) return;
    if (isClients(node.path)) {
      this.#txn.deleteRange(Buffer.from(storeKeyOf(node.path), 'latin1'), undefined);
    } else this.#batch.deleteRow('meta', adminRowKey(node.path));
  }

  /** Deletes the values of all files below a directory of clients, which spares `deleteNode` from doing it one by one. */
  deleteValuesBelow(directory: string): void {
    if (!isClients(directory)) return;
    const { start, end } = storeKeysBelow(directory);
    this.#txn.deleteRange(start, end);
  }
}

function isClients(path: string): boolean {
  return path.startsWith(`${KEYS_ROOT}/`);
}

function valueIn(wire: Uint8Array): string {
  return textOf(decodeKeyValue(wire).value);
}

function textOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The end of all keys with a prefix, which ends with a slash. */
function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}
