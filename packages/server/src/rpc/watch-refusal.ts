import { etcdErrors, type WatchCreateRequest } from '@kvorum/api';

/** What an empty key stands for where a range is watched: all of it, from the first key on. */
export const FROM_FIRST_KEY = new Uint8Array([0]);

/** Why a watcher can't be made, in etcd's words; undefined when it can. `isTaken` tells which ids the stream has. */
export function watchRefusal(
  { key, rangeEnd, watchId, startRevision }: WatchCreateRequest,
  isTaken: (id: bigint) => boolean,
): string | undefined {
  const fromKeyOn = rangeEnd.length === 1 && rangeEnd[0] === 0;
  const start = key.length === 0 ? FROM_FIRST_KEY : key;
  if (rangeEnd.length > 0 && !fromKeyOn && Buffer.compare(start, rangeEnd) >= 0) {
    return 'mvcc: watcher range is empty';
  }
  if (watchId !== 0n && isTaken(watchId)) {
    return 'mvcc: duplicate watch ID provided on the WatchStream';
  }
  return startRevision < 0n ? etcdErrors.compacted.text : undefined;
}
