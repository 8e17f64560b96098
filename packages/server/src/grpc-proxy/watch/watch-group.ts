import {
  Broadcast,
  type BroadcastHome,
  type BroadcastParts,
  type Subscriber,
} from './broadcast.ts';

/**
 * All watchers of one range. Mostly one broadcast serves them all; one that is further behind gets another, which is
 * merged with the first as soon as it has caught up.
 */
export class WatchGroup implements BroadcastHome {
  readonly #parts: BroadcastParts;
  readonly #onEmpty: () => void;
  /** The oldest first, which others are merged into. */
  #broadcasts: Broadcast[] = [];

  /** `onEmpty` is called whenever the last watcher has gone. */
  constructor(parts: BroadcastParts, onEmpty: () => void) {
    this.#parts = parts;
    this.#onEmpty = onEmpty;
  }

  /** Has a watcher told of everything from its `nextRevision` on; of 0, from now on. */
  attach(subscriber: Subscriber): void {
    const start = subscriber.nextRevision;
    const from = start === 0 ? this.#parts.header.revision + 1 : start;
    const fitting = this.#broadcasts.filter((one) => one.isOpen && one.nextRevision <= from);
    const nearest = fitting.reduce<Broadcast | undefined>((best, one) => {
      return best === undefined || one.nextRevision > best.nextRevision ? one : best;
    }, undefined);
    const opening = this.#broadcasts.find((one) => !one.isOpen && one.startRevision === start);
    const chosen = nearest ?? opening;
    if (chosen !== undefined) {
      chosen.add(subscriber);
      return;
    }
    const broadcast = new Broadcast(start, this.#parts, this);
    this.#broadcasts.push(broadcast);
    broadcast.add(subscriber);
  }

  onAdvanced(broadcast: Broadcast): void {
    for (const older of this.#broadcasts) {
      if (older === broadcast) return;
      if (older.isOpen && older.nextRevision <= broadcast.nextRevision) {
        broadcast.mergeInto(older);
        return;
      }
    }
  }

  onClosed(broadcast: Broadcast): void {
    this.#broadcasts = this.#broadcasts.filter((one) => one !== broadcast);
    if (this.#broadcasts.length === 0) this.#onEmpty();
  }
}
