import type { Pair } from '@kvorum/server/testing';

/** A change of one key, as its writer meant it. */
export interface Change {
  readonly key: string;
  /** Undefined when the key was deleted. */
  readonly value: string | undefined;
  /** 0 for none. */
  readonly lease: bigint;
}

/** A change as a watcher is told of it. */
export interface Event extends Change {
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
}

/** The obvious store: what keys are there after the events of a history, and at which revision. */
export class Model {
  revision = 1;
  readonly #keys = new Map<string, Pair>();

  /**
   * Applies all events of the next revision. Throws when they can't be what happened: a revision is left out, a deleted
   * key was not there, a version does not follow the one before.
   */
  apply(revision: number, events: readonly Event[]): void {
    if (revision !== this.revision + 1) {
      throw new Error(`after revision ${this.revision} comes ${revision}`);
    }
    for (const event of events) this.#applyOne(event);
    this.revision = revision;
  }

  /** All keys, in order. */
  state(): Pair[] {
    return [...this.#keys.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #applyOne({ key, value, lease, revision, createRevision, version }: Event): void {
    const before = this.#keys.get(key);
    if (value === undefined) {
      if (!this.#keys.delete(key)) throw new Error(`${key}, deleted at ${revision}, was not there`);
      return;
    }
    const expected = {
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0) + 1,
    };
    if (createRevision !== expected.createRevision || version !== expected.version) {
      const told = JSON.stringify({ createRevision, version });
      throw new Error(`${key} at ${revision} is ${told}, not ${JSON.stringify(expected)}`);
    }
    this.#keys.set(key, { key, value, lease, modRevision: revision, createRevision, version });
  }
}
