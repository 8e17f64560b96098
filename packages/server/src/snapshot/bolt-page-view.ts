import { ELEMENT_SIZE, FLAG_BRANCH, FLAG_LEAF, FLAG_MASK, PAGE_HEAD } from './bolt-page.ts';
import { corruptPage } from './database-file-error.ts';

/** What one row of a leaf says. Views of the page's bytes. */
export interface BoltRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The value is a bucket. */
  readonly isBucket: boolean;
}

/** One page with its overflow, or the page that an inline bucket has inside its value. Throws `DatabaseFileError`. */
export class BoltPageView {
  readonly id: number;
  readonly isLeaf: boolean;
  readonly isBranch: boolean;
  /** Rows or children. */
  readonly count: number;
  /** Pages that follow this one as part of it. */
  readonly overflow: number;
  readonly bytes: Buffer;

  /** A page of its own knows its id, one inside of a value does not. */
  constructor(id: number, bytes: Buffer, isOwn: boolean) {
    if (bytes.length < PAGE_HEAD) throw corruptPage(id, 'has a bucket that is too short');
    this.id = id;
    this.bytes = bytes;
    const ownId = bytes.readBigUInt64LE(0);
    if (isOwn && ownId !== BigInt(id)) throw corruptPage(id, `says that it is page ${ownId}`);
    const flags = bytes.readUInt16LE(8) & FLAG_MASK;
    this.isLeaf = flags === FLAG_LEAF;
    this.isBranch = flags === FLAG_BRANCH;
    this.count = bytes.readUInt16LE(10);
    this.overflow = bytes.readUInt32LE(12);
  }

  /** Pages from this one to the end of its overflow. */
  get pages(): number {
    return this.overflow + 1;
  }

  /** One row of a leaf, `0 <= index < count`. */
  row(index: number): BoltRow {
    const { bytes } = this;
    const at = this.#element(index);
    const key = at + bytes.readUInt32LE(at + 4);
    const value = key + bytes.readUInt32LE(at + 8);
    const end = value + bytes.readUInt32LE(at + 12);
    this.#checkData(key, end);
    if (value === key) throw corruptPage(this.id, 'has a row without a key');
    return {
      key: bytes.subarray(key, value),
      value: bytes.subarray(value, end),
      isBucket: (bytes.readUInt32LE(at) & 1) !== 0,
    };
  }

  /** One child of a branch, `0 <= index < count`; no key in its subtree is below `key`. */
  child(index: number): { readonly key: Uint8Array; readonly page: number } {
    const { bytes } = this;
    const at = this.#element(index);
    const key = at + bytes.readUInt32LE(at);
    const end = key + bytes.readUInt32LE(at + 4);
    this.#checkData(key, end);
    return { key: bytes.subarray(key, end), page: Number(bytes.readBigUInt64LE(at + 8)) };
  }

  #element(index: number): number {
    const at = PAGE_HEAD + index * ELEMENT_SIZE;
    if (at + ELEMENT_SIZE > this.bytes.length) {
      throw corruptPage(this.id, `claims to have ${this.count} elements`);
    }
    return at;
  }

  #checkData(start: number, end: number): void {
    if (start < PAGE_HEAD + this.count * ELEMENT_SIZE || end > this.bytes.length) {
      throw corruptPage(this.id, `has data at [${start}, ${end}), outside of its own bytes`);
    }
  }
}
