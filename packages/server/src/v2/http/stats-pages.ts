import type { Role } from '@kvorum/raft';
import type { Clock } from '../../clock.ts';
import type { HttpReply } from '../../http/http-message.ts';
import type { Cluster } from '../../membership/cluster.ts';
import { formatId } from '../../membership/ids.ts';
import type { PeerMetrics } from '../../metrics/peer-metrics.ts';
import { type MemberStats, stateName } from '../../stats/member-stats.ts';
import { goJsonText } from '../go-json.ts';
import { rfc3339Nano } from '../v2-event.ts';
import type { V2Store } from '../v2-store.ts';
import { goDuration } from './go-duration.ts';
import { messageReply, methodNotAllowed } from './replies.ts';

export interface StatsOptions {
  readonly memberId: bigint;
  /** --name */
  readonly name: string;
  readonly v2: V2Store;
  readonly cluster: Cluster;
  readonly stats: MemberStats;
  readonly peers: PeerMetrics;
  readonly role: () => Role;
  /** Who leads; 0n for nobody. */
  readonly leader: () => bigint;
  readonly clock: Clock;
}

/** What Go writes of a time that was never set. */
const NO_TIME = '0001-01-01T00:00:00Z';

/** /v2/stats/self, leader and store. */
export class StatsPages {
  readonly #options: StatsOptions;

  constructor(options: StatsOptions) {
    this.#options = options;
  }

  /** `path` is what follows /v2/stats. Undefined for one that isn't known. */
  answer(method: string, path: string): HttpReply | undefined {
    if (path !== '/self' && path !== '/leader' && path !== '/store') return undefined;
    if (method !== 'GET') return methodNotAllowed(['GET']);
    if (path === '/self') return json(this.#self());
    if (path === '/store') return json(this.#store());
    if (this.#options.role() !== 'leader') return messageReply(403, 'not current leader', []);
    return json(this.#leader());
  }

  #self(): string {
    const { memberId, name, stats, role, leader, clock } = this.#options;
    const hasLeader = leader() !== 0n;
    const upMs = hasLeader ? clock.wallMs() - stats.leaderSinceMs : 0;
    const leaderInfo = {
      leader: hasLeader ? formatId(leader()) : '',
      uptime: goDuration(upMs),
      startTime: hasLeader ? timeOf(stats.leaderSinceMs) : NO_TIME,
    };
    const text = JSON.stringify({
      id: formatId(memberId),
      state: stateName(role()),
      startTime: timeOf(stats.startedAtMs),
      leaderInfo,
      recvAppendRequestCnt: stats.appendsReceived,
      sendAppendRequestCnt: stats.appendsSent,
    });
    return `{"name":${goJsonText(name)},${text.slice(1)}`;
  }

  #store(): string {
    const { v2 } = this.#options;
    return JSON.stringify({ ...v2.counts, watchers: v2.hub.count });
  }

  #leader(): string {
    const { memberId, cluster, peers } = this.#options;
    const others = cluster.members().filter(({ id }) => id !== memberId);
    const followers = others.map(({ id }) => {
      const { roundTrips, sentFailures } = peers.peer(formatId(id));
      const counts = { fail: sentFailures, success: roundTrips.count };
      return [formatId(id), { latency: roundTrips.summary(), counts }];
    });
    return JSON.stringify({
      leader: formatId(memberId),
      followers: Object.fromEntries(followers),
    });
  }
}

function json(body: string): HttpReply {
  return { status: 200, headers: [['Content-Type', 'application/json']], body };
}

function timeOf(wallMs: number): string {
  return rfc3339Nano(BigInt(Math.floor(wallMs)) * 1_000_000n);
}
