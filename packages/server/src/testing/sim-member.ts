import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Metadata, UnaryCall } from '@kvorum/h2';
import type { Disk } from '@kvorum/wal';
import { Prng, type SimDisk } from '@kvorum/wal/testing';
import { plainAuth } from '../auth/testing/plain-auth.ts';
import type { Clock } from '../clock.ts';
import { parseCommandLine } from '../config/command-line.ts';
import { parseEndpointUrl } from '../config/endpoint-url.ts';
import { loadConfig } from '../config/load-config.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { silentLogger } from '../logging/logger.ts';
import { MemberCore } from '../member-core.ts';
import { type Joining, joiningOf, type KnownCluster } from '../membership/joining.ts';
import type { MemoryEngines } from '../memory-engines.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { Outbox } from '../node-loop.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import type { LogOwner } from '../raft-log.ts';
import { peerUrlOf } from './sim-place.ts';

/** What survives of a member when it crashes: its disk and its engines. */
export interface SimStorage {
  readonly disk: SimDisk;
  readonly engines: MemoryEngines;
}

/** A call that ended with a status other than OK. */
export class CallError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** What tests set in a member's configuration. */
export type SimSettings = Partial<
  Pick<
    ServerConfig,
    | 'heartbeatIntervalMs'
    | 'electionTimeoutMs'
    | 'snapshotCount'
    | 'snapshotCatchupEntries'
    | 'maxWals'
    | 'preVote'
    | 'compactionBatchLimit'
    | 'strictReconfigCheck'
    | 'forceNewCluster'
  >
> & {
  /** Bytes of a segment of the log; default 64 KiB. */
  readonly walSegmentBytes?: number;
};

const DATA_DIR = '/sim';

/** A call that says nothing but its message. */
export const noMetadata: Metadata = {
  get: () => undefined,
  getAll: () => [],
  getBinary: () => undefined,
  entries: () => [],
};

function tokenMetadata(token: string): Metadata {
  return { ...noMetadata, get: (name) => (name === 'token' ? token : undefined) };
}

/** Who a member is, and what it lives in. */
export interface SimSurroundings {
  readonly name: string;
  /** All members that --initial-cluster names, this one among them. */
  readonly clusterNames: readonly string[];
  /** Default `new`. */
  readonly initialClusterState?: 'new' | 'existing';
  /** Who it is when it joins a cluster that was there before it. */
  readonly joins?: LogOwner;
  readonly settings?: SimSettings;
  readonly clock: Clock;
  /** The disk that the member sees, if not that of its storage as it is. */
  readonly disk?: Disk;
  readonly random: () => number;
  readonly outbox: Outbox;
  /** The way to other members for what is asked; default none. */
  readonly peers?: PeerCalls;
  /** Members came, went, or moved; or a state was taken over. */
  readonly onMembershipChanged?: () => void;
}

/** What a member named `sim` lives in that reaches nobody, in still time. */
export function unreached(
  seed: number,
  clusterNames: readonly string[],
  settings: SimSettings = {},
): SimSurroundings {
  const prng = new Prng(seed);
  return {
    name: 'sim',
    clusterNames,
    settings,
    clock: stillClock,
    random: () => prng.below(1_000_000) / 1_000_000,
    outbox: { send: () => {} },
  };
}

/** A member in this process on a simulated disk and an engine in memory: no sockets, no timers, no files. */
export class SimMember {
  readonly core: MemberCore;
  /** It has caught up with a leader. */
  isUp = false;
  /** The cluster has its name. */
  isKnown = false;

  private constructor(core: MemberCore) {
    this.core = core;
  }

  /** Opens what is on `storage` and resolves when the member, alone and in still time, leads. */
  static async start(
    storage: SimStorage,
    seed: number,
    settings?: SimSettings,
  ): Promise<SimMember> {
    const member = await SimMember.open(storage, unreached(seed, ['sim'], settings));
    await member.start();
    return member;
  }

  /** Opens what is on `storage`; rejects with what it finds wrong. */
  static async open(storage: SimStorage, around: SimSurroundings): Promise<SimMember> {
    const { name, clusterNames, clock, random, outbox } = around;
    const { walSegmentBytes, ...settings } = around.settings ?? {};
    const config = await configOf(name, clusterNames);
    const core = await MemberCore.open(
      {
        ...config,
        initialClusterState: around.initialClusterState ?? 'new',
        snapshotCatchupEntries: 0,
        maxWals: 1,
        ...settings,
      },
      {
        logger: silentLogger,
        metrics: new Metrics({ detail: 'basic', serverVersion: '3.7.1' }),
        clock,
        disk: around.disk ?? storage.disk,
        random,
        engines: storage.engines,
        auth: plainAuth(random),
        outbox,
        ...(around.peers === undefined ? {} : { peers: around.peers }),
        ...(around.joins === undefined ? {} : { joins: around.joins }),
        ...(around.onMembershipChanged === undefined
          ? {}
          : { onMembershipChanged: around.onMembershipChanged }),
        walSegmentBytes: walSegmentBytes ?? 64 * 1024,
      },
    );
    return new SimMember(core);
  }

  /** Whether the member has been here before. */
  static hasLog({ disk }: SimStorage): boolean {
    return disk.exists(`${DATA_DIR}/member/wal`);
  }

  /** Who a member is that was added to a cluster, by what the others say; throws `BootstrapError`. */
  static async joining(
    name: string,
    clusterNames: readonly string[],
    known: KnownCluster | undefined,
  ): Promise<Joining> {
    return joiningOf(await configOf(name, clusterNames), known);
  }

  /** Takes part in the cluster; resolves when it serves. */
  async start(): Promise<void> {
    await this.core.start();
    this.isUp = true;
  }

  /** Tells the others its name, as a member does that serves. Rejects with `EtcdError` when it is stopped before. */
  async publish(name: string): Promise<void> {
    await this.core.publish(name, [`http://${name}:2379`]);
    this.isKnown = true;
  }

  /** One unary call by path, such as `/etcdserverpb.KV/Put`, of whoever has the token; rejects with `CallError`. */
  call<Request extends DescMessage, Response extends DescMessage>(
    path: string,
    request: Request,
    response: Response,
    init: MessageInitShape<Request>,
    token?: string,
  ): Promise<MessageShape<Response>> {
    const method = this.core.methods.get(path);
    if (method?.kind !== 'unary') throw new Error(`${path} is no unary method`);
    return new Promise((resolve, reject) => {
      const call: Pick<UnaryCall, 'metadata' | 'reply' | 'fail'> = {
        metadata: token === undefined ? noMetadata : tokenMetadata(token),
        reply: (message) => {
          const bytes = message instanceof Uint8Array ? message : Buffer.concat(message);
          resolve(fromBinary(response, bytes));
        },
        fail: (status, text) => reject(new CallError(status, text)),
      };
      method.handle(toBinary(request, create(request, init)), call as UnaryCall);
    });
  }
}

/** Reading flags takes longer than all else in the start of a member, and says the same for the same name. */
const configs = new Map<string, Promise<ServerConfig>>();

async function configOf(name: string, clusterNames: readonly string[]): Promise<ServerConfig> {
  let config = configs.get(name);
  if (config === undefined) {
    const commandLine = parseCommandLine([
      `--name=${name}`,
      `--data-dir=${DATA_DIR}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      `--initial-advertise-peer-urls=${peerUrlOf(name)}`,
      `--initial-cluster=${name}=${peerUrlOf(name)}`,
    ]);
    const surroundings = {
      environment: {},
      defaultHost: undefined,
      readFile: () => Promise.reject(new Error('no files here')),
    };
    config = loadConfig(commandLine, surroundings).then((loaded) => loaded.config);
    configs.set(name, config);
  }
  const initialCluster = clusterNames.map((member) => ({
    name: member,
    peerUrls: [parseEndpointUrl(peerUrlOf(member))],
  }));
  return { ...(await config), initialCluster };
}

/** Time stands still: elections are called for, and nothing here waits for time to pass. */
const stillClock: Clock = {
  nowMs: () => 0,
  wallMs: () => 1_700_000_000_000,
  nextTurn: (callback) => {
    setImmediate(callback);
  },
  endOfTurn: (callback) => process.nextTick(callback),
  endTurnNow: () => {},
  every: () => () => {},
  after: () => () => {},
};
