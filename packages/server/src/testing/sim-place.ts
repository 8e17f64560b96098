import type { MemberId } from '@kvorum/raft';
import type { SimMember, SimStorage } from './sim-member.ts';
import type { ClockPace, SimClock } from './sim-time.ts';

/** How a disk takes its time: shortest and longest sync, in ms. */
export type SyncTimes = readonly [number, number];

/** A machine of a simulated cluster: what it keeps, and the member that runs on it, if one does. */
export interface SimPlace {
  readonly index: number;
  readonly name: string;
  /** Whether the cluster was there before it: its member is added, and asks the others who it is. */
  readonly joins: boolean;
  readonly clockPace: ClockPace;
  /** Names in --initial-cluster, its own among them. */
  clusterNames: readonly string[];
  storage: SimStorage;
  member: SimMember | undefined;
  /** Its process runs and has not opened its storage yet. */
  isOpening: boolean;
  clock: SimClock;
  syncMs: SyncTimes;
  /** The calls that are running at the member: what to do when it is lost. */
  readonly calls: Set<() => void>;
  wallOffsetMs: number;
  /** When its process was started last. */
  bootedAtMs: number;
  /** Members that have spoken to it, or that it was told of at the start, before its own list has them. */
  guests: Set<MemberId>;
  /** Its disk has refused something while this process ran, for which it may end. */
  hasFaulted: boolean;
  /** So has the log that it has written to: it must end, and acknowledge nothing before. */
  mustEnd: boolean;
  /** The cluster has removed its member, which has ended for that. */
  hasLeft: boolean;
}

/** Where a member is to be found by others. */
export function peerUrlOf(name: string): string {
  return `http://${name}:2380`;
}

/** The name of the place behind a URL. */
export function nameBehind(peerUrl: string): string {
  return /^http:\/\/([^:]+):2380$/.exec(peerUrl)?.[1] ?? peerUrl;
}
