import {
  type Column,
  type EngineBatch,
  keyTextOf,
  Lessor,
  MemoryEngine,
  Store,
} from '@kvorum/mvcc';
import { RawNode, type ReadState, type Ready } from '@kvorum/raft';
import { Wal } from '@kvorum/wal';
import { APPLIED_INDEX_ROW } from '../../apply/applied-index.ts';
import { decodeEntry, encodeEntry } from '../../codec/raft-records.ts';
import { LeaseKeeper } from '../../lease-keeper.ts';
import { NodeLoop } from '../../node-loop.ts';
import { type OpenProposal, ProposalQueue } from '../../proposal-queue.ts';
import { RaftLog } from '../../raft-log.ts';
import { ReadRounds } from '../../read-rounds.ts';
import { MemberHeaders } from '../../rpc/headers.ts';
import { authBugs } from './auth-bugs.ts';
import { membershipBugs } from './membership-bugs.ts';
import { all, replace, type SeededBug } from './seeded-bug.ts';

/** Lets the batches of every memory engine pass through a function; `another` makes one that doesn't. */
function changeBatches(make: (batch: EngineBatch, another: () => EngineBatch) => EngineBatch) {
  return replace(MemoryEngine.prototype, 'batch', (original) => {
    return function batch(this: MemoryEngine) {
      return make(original.call(this), () => original.call(this));
    };
  });
}

function isAppliedIndex(column: Column, key: Uint8Array): boolean {
  return column === 'meta' && keyTextOf(key).endsWith(APPLIED_INDEX_ROW);
}

/** Makes members of one role answer reads from what they know to be committed, without asking anybody. */
function answerReadsAlone(role: 'leader' | 'follower'): () => void {
  const answers = new WeakMap<RawNode, ReadState[]>();
  return all(
    replace(RawNode.prototype, 'readIndex', (original) => {
      return function readIndex(this: RawNode, context) {
        if (this.role !== role) {
          original.call(this, context);
          return;
        }
        const waiting = answers.get(this) ?? [];
        waiting.push({ index: this.committed, context });
        answers.set(this, waiting);
      };
    }),
    replace(RawNode.prototype, 'hasReady', (original) => {
      return function hasReady(this: RawNode) {
        return original.call(this) || (answers.get(this)?.length ?? 0) > 0;
      };
    }),
    replace(RawNode.prototype, 'ready', (original) => {
      return function ready(this: RawNode): Ready {
        const taken = original.call(this);
        const readStates = [...taken.readStates, ...(answers.get(this) ?? [])];
        answers.delete(this);
        return Object.assign(taken, { readStates });
      };
    }),
  );
}

/** Every one of them must be found within few seeds. */
export const seededBugs: readonly SeededBug[] = [
  ...membershipBugs,
  ...authBugs,
  {
    name: 'entries are acknowledged before they are on disk',
    caughtBy: 2,
    install: () =>
      all(
        replace(RaftLog.prototype, 'syncNow', () => () => {}),
        replace(RaftLog.prototype, 'sync', () => async () => {}),
      ),
  },
  {
    name: 'term and vote are not persisted',
    caughtBy: 3,
    install: () =>
      replace(RaftLog.prototype, 'append', (original) => {
        return function append(this: RaftLog, ready) {
          original.call(this, { ...ready, hardState: undefined });
        };
      }),
  },
  {
    name: 'votes are not persisted',
    caughtBy: 68,
    install: () =>
      replace(RaftLog.prototype, 'append', (original) => {
        return function append(this: RaftLog, ready) {
          const { hardState } = ready;
          const forgotten = hardState === undefined ? undefined : { ...hardState, vote: 0n };
          original.call(this, { ...ready, hardState: forgotten });
        };
      }),
  },
  {
    name: 'a failed sync is taken for a success',
    caughtBy: 3,
    install: () =>
      replace(RaftLog.prototype, 'sync', (original) => {
        return async function sync(this: RaftLog) {
          await original.call(this).catch(() => {});
        };
      }),
  },
  {
    name: 'the applied index is written before the data',
    caughtBy: 1,
    install: () =>
      changeBatches((batch, another) => ({
        put(column, key, value) {
          if (!isAppliedIndex(column, key)) {
            batch.put(column, key, value);
            return;
          }
          const alone = another();
          alone.put(column, key, value);
          alone.write();
        },
        delete: (column, key) => batch.delete(column, key),
        write: (options) => batch.write(options),
      })),
  },
  {
    name: 'the last entry is applied again after a restart',
    caughtBy: 1,
    install: () =>
      changeBatches((batch) => ({
        put(column, key, value) {
          if (!isAppliedIndex(column, key)) {
            batch.put(column, key, value);
            return;
          }
          const row = Buffer.from(value);
          row.writeBigUInt64BE(row.readBigUInt64BE(0) - 1n, 0);
          batch.put(column, key, row);
        },
        delete: (column, key) => batch.delete(column, key),
        write: (options) => batch.write(options),
      })),
  },
  {
    name: 'a leader reads without asking a quorum',
    caughtBy: 19,
    install: () => answerReadsAlone('leader'),
  },
  {
    name: 'a follower reads from what it has applied itself',
    caughtBy: 3,
    install: () => answerReadsAlone('follower'),
  },
  {
    name: 'a read runs before its index is applied',
    caughtBy: 3,
    install: () =>
      replace(ReadRounds.prototype, 'answered', (original) => {
        return function answered(this: ReadRounds, states) {
          original.call(this, states, Number.POSITIVE_INFINITY);
        };
      }),
  },
  {
    name: 'a watcher loses the events of the compacted revision',
    caughtBy: 6,
    install: () =>
      replace(Store.prototype, 'readEvents', (original) => {
        return function readEvents(this: Store, from, limitEvents, limitBytes) {
          const page = original.call(this, from, limitEvents, limitBytes);
          const events = page.events.filter(({ main }) => main > this.compactRevision);
          return { ...page, events };
        };
      }),
  },
  {
    name: 'a deposed leader goes on revoking leases',
    caughtBy: 1,
    install: () =>
      all(
        replace(LeaseKeeper.prototype, 'stop', () => () => {}),
        replace(NodeLoop.prototype, 'proposeAsLeader', () => {
          return function proposeAsLeader(this: NodeLoop, data, proposal, id) {
            this.propose(data, proposal, id);
          };
        }),
      ),
  },
  {
    name: 'leases expire early after a change of leaders',
    caughtBy: 13,
    install: () =>
      replace(Lessor.prototype, 'promote', (original) => {
        return function promote(this: Lessor) {
          original.call(this, -1500);
        };
      }),
  },
  {
    name: 'a member that takes over a state forgets the leases',
    caughtBy: 5,
    install: () => {
      const opened = new WeakSet<Lessor>();
      return replace(Lessor.prototype, 'reload', (original) => {
        return function reload(this: Lessor, store: Store) {
          const isFirst = !opened.has(this);
          opened.add(this);
          if (isFirst) original.call(this, store);
          else original.call(this, withoutLeases(store));
        };
      });
    },
  },
  {
    name: 'a torn tail of the log is taken for an entry',
    caughtBy: 2,
    install: () =>
      replace(Wal, 'open', (original) => {
        return function open(this: typeof Wal, options) {
          const opened = original.call(this, options);
          const last = opened.records.findLast(({ type }) => type === 'entry');
          if (opened.torn === null || last === undefined) return opened;
          const entry = decodeEntry(last.data);
          const half = entry.data.subarray(0, entry.data.length >> 1);
          const index = entry.index + 1;
          const data = encodeEntry({ ...entry, index, data: half });
          return { ...opened, records: [...opened.records, { type: 'entry', index, data }] };
        };
      }),
  },
  {
    name: 'a forwarded proposal is made again',
    caughtBy: 1,
    install: () => {
      const repeated = new WeakSet<OpenProposal>();
      return replace(ProposalQueue.prototype, 'expectForeign', (original) => {
        return function expectForeign(this: ProposalQueue, batch: readonly OpenProposal[]) {
          original.call(this, batch);
          const again = batch.filter((open) => open.idLow % 16 === 0 && !repeated.has(open));
          for (const open of again) repeated.add(open);
          this.putBack(again);
        };
      });
    },
  },
  {
    name: 'an answer carries the revision of a moment before',
    caughtBy: 1,
    install: () =>
      replace(MemberHeaders.prototype, 'at', (original) => {
        return function at(this: MemberHeaders, revision: number) {
          return original.call(this, revision % 97 === 0 ? revision - 1 : revision);
        };
      }),
  },
];

function withoutLeases(store: Store): Store {
  const { engine } = store;
  const none = { next: () => [], seek: () => {}, close: () => {} };
  const parts = {
    engine: { ...engine, scan: () => none },
    leaseKeys: (lease: bigint) => store.leaseKeys(lease),
  };
  return parts as unknown as Store;
}
