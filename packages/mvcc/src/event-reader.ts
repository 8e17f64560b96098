import { keyTextOf } from './key-text.ts';
import { encodeKeyValue, KeyValueParts } from './key-value.ts';
import {
  isTombstoneRow,
  prevMainOfRow,
  prevSubOfRow,
  readUint32,
  readUint64,
  revKeyOf,
  wireOfRevsRow,
} from './revision-row.ts';
import { type EventPage, StoreEvent } from './store-event.ts';
import type { StoreState } from './store-state.ts';

const ROWS_PER_PAGE = 256;
const NO_BYTES = new Uint8Array(0);

/**
 * Reads the events of revision `from` and later from the engine: at least one revision if there is any,
 * and no further one once a limit is reached.
 */
export function readEvents(
  state: StoreState,
  from: number,
  limitEvents: number,
  limitBytes: number,
): EventPage {
  const scan = state.engine.scan('revs', { gte: revKeyOf(from, 0) });
  const events: StoreEvent[] = [];
  let bytes = 0;
  const pageEntries = Math.max(1, Math.min(ROWS_PER_PAGE, limitEvents + 1));
  try {
    for (;;) {
      const page = scan.next(pageEntries);
      if (page.length === 0) return { events, next: Math.max(from, state.revision + 1) };
      for (let i = 0; i < page.length; i += 2) {
        const revKey = page[i] ?? NO_BYTES;
        const row = page[i + 1] ?? NO_BYTES;
        const main = readUint64(revKey, 0);
        const full = events.length >= limitEvents || bytes >= limitBytes;
        if (full && events.length > 0 && main !== events[events.length - 1]?.main) {
          return { events, next: main };
        }
        const event = eventOf(revKey, row);
        events.push(event);
        bytes += event.kv.length;
      }
    }
  } finally {
    scan.close();
  }
}

function eventOf(revKey: Uint8Array, row: Uint8Array): StoreEvent {
  const main = readUint64(revKey, 0);
  const deleted = isTombstoneRow(row);
  const wire = wireOfRevsRow(row);
  const { keyStart, keyEnd } = new KeyValueParts(wire, wire.length);
  const key = wire.subarray(keyStart, keyEnd);
  return new StoreEvent(
    main,
    readUint32(revKey, 8),
    deleted,
    key,
    keyTextOf(key),
    deleted ? deletedKv(key, main) : wire,
    prevMainOfRow(row),
    prevSubOfRow(row),
    undefined,
  );
}

/** The KeyValue of a DELETE event: key and mod_revision. */
export function deletedKv(key: Uint8Array, main: number): Uint8Array {
  return encodeKeyValue({
    key,
    createRevision: 0,
    modRevision: main,
    version: 0,
    value: NO_BYTES,
    lease: 0n,
  });
}

/**
 * The KeyValue that `event` replaced; undefined when it created its key, or when the revision just before
 * it is compacted, whether or not the rows are gone yet.
 */
export function previousOf(
  state: StoreState,
  event: Pick<StoreEvent, 'main' | 'prev' | 'prevMain' | 'prevSub'>,
): Uint8Array | undefined {
  if (event.prevMain === 0 || event.main - 1 < state.compactRevision) return undefined;
  return event.prev ?? state.wireAt(event.prevMain, event.prevSub);
}
