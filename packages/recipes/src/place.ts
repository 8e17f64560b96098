import { type Bytes, ClientError, compare, type KeyValue, op } from '@kvorum/client';
import { RecipeError } from './errors.ts';
import type { Session } from './session.ts';

/**
 * A key attached to a session's lease. Among the keys below one prefix its create revision says where in line it is:
 * no two have the same, and none comes before those that are there.
 */
export class Place {
  readonly session: Session;
  readonly key: string;
  /** Its create revision. */
  readonly revision: bigint;

  constructor(session: Session, key: string, revision: bigint) {
    this.session = session;
    this.key = key;
    this.revision = revision;
  }

  /**
   * Creates the key, or takes it up when the lease has one of that name. When that fails, or is given up, whatever came
   * of it is deleted.
   */
  static async take(
    session: Session,
    key: string,
    value: Bytes,
    signal: AbortSignal,
  ): Promise<Place> {
    const { client, lease, attemptMs: timeoutMs } = session;
    const txn = client
      .txn()
      .if(compare.missing(key))
      .then(op.put(key, value, { lease }))
      .else(op.get(key));
    let revision: bigint | undefined;
    await untilSwept(session, key, signal);
    try {
      // The signal does not end the call: a put that is on its way could come after the delete.
      const result = await session.persistently(() => txn.commit({ timeoutMs }), signal);
      revision = result.succeeded
        ? result.revision
        : (result.results[0]?.createRevision ?? result.revision);
      signal.throwIfAborted();
    } catch (error) {
      await sweep(session, key, revision);
      throw error;
    }
    return new Place(session, key, revision);
  }

  /** Deletes the key, if it still is this one. Resolves also when the session is lost: the key goes with it. */
  async leave(): Promise<void> {
    const { client, attemptMs: timeoutMs, signal } = this.session;
    const txn = client
      .txn()
      .if(compare.createRevision(this.key, '=', this.revision))
      .then(op.delete(this.key));
    try {
      await this.session.persistently(() => txn.commit({ timeoutMs }), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Deletes the key of one who has given up, see `sweep`. */
  async abandon(): Promise<void> {
    await sweep(this.session, this.key, this.revision);
  }

  /** Waits until no key below the prefix was created before this one. Rejects with "evicted" when it is gone itself. */
  async first(prefix: string, signal: AbortSignal): Promise<KeyValue> {
    const { session } = this;
    const keys = { prefix };
    const options = { maxCreateRevision: this.revision - 1n, keysOnly: true, limit: 1, signal };
    for (;;) {
      const { entries, revision } = await session.persistently(
        () => session.client.range(keys, { ...options, ...newestFirst }),
        signal,
      );
      const [before] = entries;
      if (before === undefined) break;
      await untilDeleted(session, before.key, revision + 1n, signal);
    }
    return await this.confirm(signal);
  }

  /** Reads the key. Rejects with `RecipeError` "evicted" when it is gone, or another one of the same name. */
  async confirm(signal: AbortSignal): Promise<KeyValue> {
    const { session, key } = this;
    const entry = await session.persistently(() => session.client.get(key, { signal }), signal);
    if (entry?.createRevision !== this.revision) throw evictedError(key);
    return entry;
  }
}

const newestFirst = { sortBy: 'createRevision', order: 'descending' } as const;

export function evictedError(key: string): RecipeError {
  return new RecipeError('evicted', `key ${key} is gone: somebody has deleted it`);
}

/** Resolves when a key is deleted at `startRevision` or later, and sometimes sooner: whoever waits looks again. */
export async function untilDeleted(
  session: Session,
  key: Bytes,
  startRevision: bigint,
  signal: AbortSignal,
): Promise<void> {
  await using watch = session.client.watch(key, {
    startRevision,
    only: 'delete',
    timeoutMs: 0,
    signal,
  });
  try {
    for await (const _deletion of watch) return;
  } catch (error) {
    // It may have been deleted in what was compacted away.
    if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
  }
}

/**
 * Deletes the key of one who has given up; without a revision, whichever one is there. It is tried once before this
 * resolves, and again in the background where that fails, as long as the session lives: the key goes with it.
 */
export async function sweep(session: Session, key: string, revision?: bigint): Promise<void> {
  if (session.signal.aborted) return;
  const { client, attemptMs: timeoutMs } = session;
  const remove = async () => {
    const created = revision ?? (await client.get(key, { timeoutMs }))?.createRevision;
    if (created === undefined) return;
    // What arrives late must not delete the key of the next attempt.
    const isSame = compare.createRevision(key, '=', created);
    await client.txn().if(isSame).then(op.delete(key)).commit({ timeoutMs });
  };
  try {
    await remove();
  } catch {
    const swept = session
      .persistently(remove, session.signal)
      .catch(() => {})
      .then(() => {
        if (session.sweeps.get(key) === swept) session.sweeps.delete(key);
      });
    session.sweeps.set(key, swept);
  }
}

/** Whoever takes a key up that is about to be deleted would lose it again. */
async function untilSwept(session: Session, key: string, signal: AbortSignal): Promise<void> {
  const swept = session.sweeps.get(key);
  if (swept === undefined) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    swept.then(resolve);
  });
  signal.throwIfAborted();
}
