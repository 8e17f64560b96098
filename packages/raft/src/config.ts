import { RaftError } from './errors.ts';
import type { Storage } from './storage.ts';
import { type MemberId, noMember } from './types.ts';

/**
 * - `safe`: every read is confirmed by a quorum (Raft dissertation §6.4).
 * - `leaseBased`: for a little less than `electionTicks` after a quorum has answered a heartbeat, the leader reads
 *   without asking (§6.4.1). Correct only while all members tick at about the same rate. Needs `checkQuorum`.
 */
export type ReadOnlyMode = 'safe' | 'leaseBased';

/** Where a node reports what an operator may want to know: elections, snapshots, membership. Never per entry. */
export interface Logger {
  /** What helps to follow one node. */
  debug(text: string, values: Readonly<Record<string, unknown>>): void;
  /** What happens in the life of a cluster, such as elections. */
  info(text: string, values: Readonly<Record<string, unknown>>): void;
  /** What should not happen, and is survived. */
  warn(text: string, values: Readonly<Record<string, unknown>>): void;
}

/** How a node runs. Byte limits count each entry's data and `entryOverheadBytes`; Infinity lifts a limit. */
export interface Config {
  /** This member; not `noMember`. */
  id: MemberId;
  /** The durable log, read at start and whenever older entries are needed. */
  storage: Storage;
  /**
   * The last index that the application has applied, or 0 to have all that is left in the log handed out.
   * At least the index of the snapshot that the application starts from, if it does.
   * `Storage.initialState` must tell the membership as of this index. Default 0.
   */
  applied?: number;
  /**
   * Ticks without word from a leader before campaigning; the limit is drawn from [n, 2n) (Raft dissertation §3.4).
   * Must exceed `heartbeatTicks`, else `RaftError` "config"; ten times as many avoids needless elections.
   */
  electionTicks: number;
  /** Ticks between the leader's heartbeats. At least 1. */
  heartbeatTicks: number;
  /** Uniform in [0, 1), from a seeded generator of the owner's. Members must not share a seed, or votes split. */
  random: () => number;
  /** Entries per append message. Default 1 MiB. */
  maxSizePerMessage?: number;
  /** Append messages in flight to one follower. Default 256. */
  maxInflightMessages?: number;
  /** Bytes in flight to one follower; at least `maxSizePerMessage`. Default Infinity. */
  maxInflightBytes?: number;
  /**
   * Data of entries that a leader has appended and not yet seen applied; proposals beyond it are dropped. Counts
   * data only; one proposal is let through when there are none. Default 1 GiB.
   */
  maxUncommittedBytes?: number;
  /** Entries per `Ready.committedEntries`. Default 64 MiB. */
  maxCommittedSizePerReady?: number;
  /**
   * A leader steps down when it has not heard from a quorum for `electionTicks`, and members don't listen to
   * candidates while they hear from a leader (Raft dissertation §4.2.3, §6.2). Default true.
   */
  checkQuorum?: boolean;
  /** Asks whether an election could be won before disturbing anybody with a new term (§9.6). Default true. */
  preVote?: boolean;
  /** How linearizable reads are made sure of. Default "safe". */
  readOnlyMode?: ReadOnlyMode;
  /** A follower drops proposals instead of forwarding them to the leader. Default false. */
  disableProposalForwarding?: boolean;
  /**
   * Ready after Ready may be taken without waiting for the disk; `persisted` and `applied` report instead of
   * `advance`, separately. Default false.
   */
  asyncStorageWrites?: boolean;
  /** Checks the whole state after every call; for tests, it costs more than the work itself. Default false. */
  verify?: boolean;
  logger?: Logger | undefined;
}

/** A `Config` with every default filled in. */
export type FullConfig = Required<Config>;

const defaults = {
  applied: 0,
  maxSizePerMessage: 1024 * 1024,
  maxInflightMessages: 256,
  maxInflightBytes: Number.POSITIVE_INFINITY,
  maxUncommittedBytes: 1024 * 1024 * 1024,
  maxCommittedSizePerReady: 64 * 1024 * 1024,
  checkQuorum: true,
  preVote: true,
  readOnlyMode: 'safe',
  disableProposalForwarding: false,
  asyncStorageWrites: false,
  verify: false,
  logger: undefined,
} as const;

/** Fills in the defaults. Throws `RaftError` "config" if the values contradict each other. */
export function fullConfig(config: Config): FullConfig {
  const full: FullConfig = { ...defaults, ...config };
  const check = (holds: boolean, text: string): void => {
    if (!holds) throw new RaftError('config', text);
  };
  check(full.id !== noMember, 'id 0 stands for nobody');
  check(Number.isSafeInteger(full.applied) && full.applied >= 0, 'applied must be an index');
  check(Number.isInteger(full.heartbeatTicks), 'heartbeatTicks must be an integer');
  check(Number.isInteger(full.electionTicks), 'electionTicks must be an integer');
  check(full.heartbeatTicks >= 1, 'heartbeatTicks must be at least 1');
  check(full.electionTicks > full.heartbeatTicks, 'electionTicks must exceed heartbeatTicks');
  check(full.maxInflightMessages >= 1, 'maxInflightMessages must be at least 1');
  check(full.maxSizePerMessage >= 0, 'maxSizePerMessage must not be negative');
  check(
    full.maxInflightBytes >= full.maxSizePerMessage,
    'maxInflightBytes must be at least maxSizePerMessage',
  );
  check(full.maxUncommittedBytes > 0, 'maxUncommittedBytes must be positive');
  check(full.maxCommittedSizePerReady > 0, 'maxCommittedSizePerReady must be positive');
  check(
    full.readOnlyMode === 'safe' || full.checkQuorum,
    'readOnlyMode "leaseBased" needs checkQuorum',
  );
  return full;
}
