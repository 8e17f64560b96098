import {
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmType,
  type Member,
  type StatusResponse,
} from '@kvorum/api';
import { ClientError, type RpcClient } from '@kvorum/client';
import { ExitError } from '../exit-error.ts';
import { tlsOptions } from '../program/connect-options.ts';
import { errorText } from '../program/error-text.ts';
import type { Invocation } from '../program/invocation.ts';
import { httpPage } from './http-page.ts';
import { MetricsText } from './metrics-text.ts';
import type { ClusterSurvey, MemberMetrics, MemberStatus, MemberSurvey } from './survey.ts';

/** Looks at all members of the cluster. Rejects with `ClientError` or `ExitError` when none can be asked who they are. */
export async function takeSurvey(invocation: Invocation, sampleMs: number): Promise<ClusterSurvey> {
  const surveyor = new Surveyor(invocation);
  return await surveyor.run(sampleMs);
}

interface Reached {
  readonly endpoint: string;
  readonly client: RpcClient;
  readonly status: StatusResponse;
}

class Surveyor {
  readonly #invocation: Invocation;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  async run(sampleMs: number): Promise<ClusterSurvey> {
    const { host } = this.#invocation;
    const client = await this.#invocation.client();
    // What the member knows will do: a majority may be missing.
    const { members } = await client.cluster.memberList({ linearizable: false }, this.#options());
    const endpoints = await this.#invocation.endpoints();
    const given = await Promise.all(endpoints.map((endpoint) => this.#reach(endpoint)));
    const known = given.filter((one): one is Reached => typeof one !== 'string');
    const reached = await Promise.all(members.map((member) => this.#find(member, known)));
    const begin = host.now();
    const quorumFailure = await failureOf(
      client.kv.range({ key: bytes('health') }, this.#options()),
    );
    const readMs = host.now() - begin;
    const alarms = quorumFailure === undefined ? await this.#alarms(client) : [];
    if (sampleMs > 0) await new Promise<void>((resolve) => host.after(sampleMs, resolve));
    const surveys = members.map((member, at) => {
      return this.#survey(member, reached[at] ?? 'not asked', begin);
    });
    return { members: await Promise.all(surveys), quorumFailure, readMs, alarms };
  }

  #options() {
    return { timeoutMs: this.#invocation.globals()['command-timeout'] };
  }

  /** Status at an endpoint, or why there is none. */
  async #reach(endpoint: string): Promise<Reached | string> {
    try {
      const client = await this.#invocation.clientOf([endpoint]);
      return { endpoint, client, status: await client.maintenance.status({}, this.#options()) };
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** A member where the user said, or else where it says that it is. */
  async #find(member: Member, known: readonly Reached[]): Promise<Reached | string> {
    const found = known.find(({ status }) => status.header?.memberId === member.ID);
    if (found !== undefined) return found;
    let reason = 'it has no client URL';
    for (const url of member.clientURLs) {
      const reached = await this.#reach(url);
      if (typeof reached !== 'string') return reached;
      reason = reached;
    }
    return reason;
  }

  async #alarms(client: RpcClient): Promise<ClusterSurvey['alarms']> {
    try {
      const request = { action: AlarmAction.GET };
      const { alarms } = await client.maintenance.alarm(request, this.#options());
      return alarms.map(({ memberID, alarm }) => ({ memberId: memberID, name: alarmName(alarm) }));
    } catch (error) {
      if (error instanceof ClientError) return [];
      throw error;
    }
  }

  async #survey(member: Member, reached: Reached | string, since: number): Promise<MemberSurvey> {
    const { ID: id, name, isLearner } = member;
    if (typeof reached === 'string') {
      return {
        id,
        name,
        isLearner,
        endpoint: member.clientURLs[0],
        status: undefined,
        failure: reached,
        metrics: undefined,
        clockAheadSeconds: undefined,
        growthBytesPerSecond: undefined,
      };
    }
    const { endpoint, client } = reached;
    const [page, again] = await Promise.all([
      this.#page(endpoint, '/metrics'),
      client.maintenance.status({}, this.#options()).catch(() => undefined),
    ]);
    const status = again ?? reached.status;
    const elapsedSeconds = (this.#invocation.host.now() - since) / 1000;
    const grown = Number(status.dbSizeInUse - reached.status.dbSizeInUse);
    const metrics = page?.status === 200 ? this.#metricsOf(new MetricsText(page.text)) : undefined;
    return {
      id,
      name,
      isLearner,
      endpoint,
      status: statusOf(status),
      failure: '',
      metrics: status.dbSizeQuota > 0n ? withQuota(metrics, Number(status.dbSizeQuota)) : metrics,
      clockAheadSeconds: page?.clockAheadSeconds,
      growthBytesPerSecond: elapsedSeconds > 0 ? grown / elapsedSeconds : undefined,
    };
  }

  /** A page of a member's, with the difference of the clocks; undefined when it gives none. */
  async #page(endpoint: string, path: string) {
    const { host } = this.#invocation;
    const globals = this.#invocation.globals();
    const tls = tlsOptions(globals);
    const before = host.wallClock();
    try {
      const page = await httpPage(endpoint, path, tls, globals['command-timeout']);
      const middle = (before + host.wallClock()) / 2;
      // The date has lost half a second on average.
      const clockAheadSeconds =
        page.dateMs === undefined ? undefined : (page.dateMs + 500 - middle) / 1000;
      return { ...page, clockAheadSeconds };
    } catch {
      return undefined;
    }
  }

  #metricsOf(page: MetricsText): MemberMetrics {
    const started = page.value('process_start_time_seconds');
    const nowSeconds = this.#invocation.host.wallClock() / 1000;
    return {
      syncSeconds: page.quantile('etcd_disk_wal_fsync_duration_seconds', 0.99),
      commitSeconds: page.quantile('etcd_disk_backend_commit_duration_seconds', 0.99),
      quotaBytes: page.value('etcd_server_quota_backend_bytes'),
      leaderChangeCount: page.value('etcd_server_leader_changes_seen_total'),
      uptimeSeconds: started === undefined ? undefined : nowSeconds - started,
    };
  }
}

function withQuota(metrics: MemberMetrics | undefined, quotaBytes: number): MemberMetrics {
  const none = {
    syncSeconds: undefined,
    commitSeconds: undefined,
    leaderChangeCount: undefined,
    uptimeSeconds: undefined,
  };
  return { ...none, ...metrics, quotaBytes };
}

function statusOf(status: StatusResponse): MemberStatus {
  return {
    version: status.version,
    leaderId: status.leader,
    raftTerm: status.raftTerm,
    raftIndex: status.raftIndex,
    appliedIndex: status.raftAppliedIndex,
    sizeBytes: Number(status.dbSize),
    sizeInUseBytes: Number(status.dbSizeInUse),
    errors: status.errors,
  };
}

function alarmName(alarm: number): string {
  if (alarm === AlarmType.NOSPACE) return 'NOSPACE';
  return alarm === AlarmType.CORRUPT ? 'CORRUPT' : `alarm ${alarm}`;
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

async function failureOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    // To be refused takes a majority as well.
    if (error instanceof ClientError && error.code === 'permissionDenied') return undefined;
    return reasonOf(error);
  }
}

/** Why an endpoint does not answer, on one line. */
function reasonOf(error: unknown): string {
  if (error instanceof ClientError) {
    const [failure] = error.failures;
    if (failure !== undefined) return `${failure.reason}: ${failure.message}`;
    return errorText(error);
  }
  if (error instanceof ExitError) return error.message.replaceAll(/\s*\n\s*/g, ' ');
  throw error;
}
