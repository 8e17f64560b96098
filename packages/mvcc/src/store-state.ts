import { BlockCache } from './block-cache.ts';
import { BlockPacker } from './block-packer.ts';
import { ByteArena } from './byte-arena.ts';
import { CountIndex } from './count-index.ts';
import type { Engine } from './engine.ts';
import { MvccError } from './errors.ts';
import { invariant } from './invariant.ts';
import { KeyCache } from './key-cache.ts';
import type { KeyMeta } from './key-meta.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import type { LatestEntry } from './overlay.ts';
import type { BlockLimits } from './packed-source.ts';
import { metaOfKeysRow, revKeyOf, wireOfRevsRow } from './revision-row.ts';

/** What the parts of the store share: the committed state and the caches over it. Not exported. */
export class StoreState {
  readonly engine: Engine;
  readonly cache: KeyCache;
  readonly counts: CountIndex;
  readonly arena = new ByteArena();
  readonly blocks: BlockCache;
  readonly blockLimits: BlockLimits;
  readonly packer = new BlockPacker();
  /** Values above this many bytes stay out of `keys` and of the cache. */
  readonly inlineValueBytes: number;
  readonly turn: (fn: () => void) => void;
  readonly now: () => number;
  /** Newest committed revision; an empty store is at 1. */
  revision = 1;
  /** Newest compacted revision; -1 before the first compaction. */
  compactRevision = -1;

  constructor(
    engine: Engine,
    cacheBytes: number,
    inlineValueBytes: number,
    blockLimits: BlockLimits,
    turn: (fn: () => void) => void,
    now: () => number,
  ) {
    this.engine = engine;
    this.cache = new KeyCache(cacheBytes);
    this.counts = new CountIndex(engine);
    this.blocks = new BlockCache(cacheBytes);
    this.blockLimits = blockLimits;
    this.inlineValueBytes = inlineValueBytes;
    this.turn = turn;
    this.now = now;
  }

  /** The latest committed version of a key, or `null`. */
  latest(keyText: string): LatestEntry {
    const cached = this.cache.get(keyText);
    if (cached !== undefined) return cached;
    const row = this.engine.get('keys', keyBytesOf(keyText));
    const entry = row === undefined ? null : metaOfKeysRow(keyText, row);
    this.cache.set(keyText, entry);
    return entry;
  }

  /**
   * Brings the latest versions of keys into the cache with one read of the engine. Keys that do not exist
   * are added to `absent` instead: most of them are about to be created.
   */
  prefetch(keys: readonly (Uint8Array | string)[], absent: Set<string>): void {
    const missing: Uint8Array[] = [];
    const missingTexts: string[] = [];
    for (const key of keys) {
      const keyText = typeof key === 'string' ? key : keyTextOf(key);
      if (absent.has(keyText) || this.cache.get(keyText) !== undefined) continue;
      missing.push(typeof key === 'string' ? keyBytesOf(key) : key);
      missingTexts.push(keyText);
    }
    if (missing.length === 0) return;
    const rows = this.engine.getMany('keys', missing);
    missingTexts.forEach((keyText, i) => {
      const row = rows[i];
      if (row === undefined) absent.add(keyText);
      else this.cache.set(keyText, metaOfKeysRow(keyText, row));
    });
  }

  /** The whole KeyValue of a latest version. */
  wireOf(meta: KeyMeta): Uint8Array {
    if (meta.wire !== undefined) return meta.wire;
    const wire = this.wireAt(meta.modRevision, meta.sub);
    if (wire === undefined) {
      // Superseded since and compacted: the caller held on to `meta` for too long.
      throw new MvccError('compacted', `revision ${meta.modRevision} has been compacted`);
    }
    invariant(wire.length === meta.wireSize, 'a value has the size that its key says');
    return wire;
  }

  /** The KeyValue written at a revision; undefined when it is compacted or never was. */
  wireAt(main: number, sub: number): Uint8Array | undefined {
    const row = this.engine.get('revs', revKeyOf(main, sub));
    return row === undefined ? undefined : wireOfRevsRow(row);
  }
}
