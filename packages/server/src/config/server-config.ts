import type { SignMethod } from '../auth/jwt-keys.ts';
import type { TlsSettings } from '../tls/tls-settings.ts';
import type { DiscoverySetting } from './discovery-setting.ts';
import type { EndpointUrl } from './endpoint-url.ts';

/** A member of --initial-cluster: its name and all peer URLs given for that name. */
export interface InitialMember {
  readonly name: string;
  readonly peerUrls: readonly EndpointUrl[];
}

/** --auto-compaction-mode and --auto-compaction-retention, resolved: retention 0 is `off`, whatever the mode. */
export type AutoCompaction =
  | { readonly mode: 'off' }
  | { readonly mode: 'periodic'; readonly retentionMs: number }
  | { readonly mode: 'revision'; readonly retentionRevisions: number };

/** --auth-token with --auth-token-ttl; see `SimpleTokens` and `JwtTokens`. */
export type AuthTokenSetting =
  | { readonly kind: 'none' }
  | { readonly kind: 'simple'; readonly ttlMs: number }
  | {
      readonly kind: 'jwt';
      readonly signMethod: SignMethod;
      readonly publicKeyPath: string | undefined;
      readonly privateKeyPath: string | undefined;
      readonly ttlMs: number;
    };

/** --log-level; `panic` and `fatal` silence everything below. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal';

/**
 * Everything one member has to know at start: validated, defaults filled in, units fixed. Flags, environment and
 * config file all end here, and nothing below reads them again.
 */
export interface ServerConfig {
  // Member.

  /** --name: the name other members know this one by; a key of `initialCluster`. */
  readonly name: string;
  /** --data-dir: directory of all durable state; created with mode 0700 when missing. */
  readonly dataDir: string;
  /** --wal-dir: directory of the write-ahead log when it is not `<dataDir>/member/wal`. */
  readonly walDir?: string;
  /** --snapshot-count: applied entries between two raft snapshots, at least 1. */
  readonly snapshotCount: number;
  /** --snapshot-catchup-entries: raft entries kept in memory behind a snapshot, for slow followers. */
  readonly snapshotCatchupEntries: number;
  /** --heartbeat-interval: one raft tick. */
  readonly heartbeatIntervalMs: number;
  /** --election-timeout: at least 5 times `heartbeatIntervalMs`, at most 50,000. */
  readonly electionTimeoutMs: number;
  /** --initial-election-tick-advance: fast-forward the election clock at boot. */
  readonly initialElectionTickAdvance: boolean;
  /** --max-wals: write-ahead log files kept, as long as more are not needed; 0 = no limit. */
  readonly maxWals: number;

  // Listeners and announced addresses.

  /** --listen-peer-urls: where other members connect. */
  readonly listenPeerUrls: readonly EndpointUrl[];
  /** --listen-client-urls: where clients connect; gRPC only when `listenClientHttpUrls` is set. */
  readonly listenClientUrls: readonly EndpointUrl[];
  /** --listen-client-http-urls: client listeners that answer HTTP but not gRPC; absent = `listenClientUrls` do both. */
  readonly listenClientHttpUrls?: readonly EndpointUrl[];
  /** --listen-metrics-urls: extra listeners for /metrics and the health paths; may be empty. */
  readonly listenMetricsUrls: readonly EndpointUrl[];
  /** --advertise-client-urls: what MemberList tells clients. */
  readonly advertiseClientUrls: readonly EndpointUrl[];
  /** --initial-advertise-peer-urls: what other members are told; the entry of `name` in `initialCluster`. */
  readonly initialAdvertisePeerUrls: readonly EndpointUrl[];
  /** --socket-reuse-port: set SO_REUSEPORT on listeners. */
  readonly socketReusePort: boolean;
  /** --socket-reuse-address: set SO_REUSEADDR on listeners. */
  readonly socketReuseAddress: boolean;
  /** --cert-file and so on: TLS of client and metrics listeners whose URL says so. */
  readonly clientTls: TlsSettings;
  /** --peer-cert-file and so on: TLS between members. */
  readonly peerTls: TlsSettings;
  /** --cors: allowed origins; `['*']` = all. */
  readonly cors: readonly string[];
  /** --host-whitelist: accepted Host names of plaintext HTTP requests; `['*']` = all. */
  readonly hostWhitelist: readonly string[];
  /** --enable-grpc-gateway: serve the JSON gateway under /v3. */
  readonly enableGrpcGateway: boolean;
  /** --enable-v2: serve the v2 API under /v2. */
  readonly enableV2: boolean;

  // Cluster.

  /** --initial-cluster: all founding members, this one included; sorted by name. With `discovery` this one alone. */
  readonly initialCluster: readonly InitialMember[];
  /** How a member without data finds the others; absent when `initialCluster` says it. */
  readonly discovery?: DiscoverySetting;
  /** --initial-cluster-token: mixed into the ids of cluster and members. */
  readonly initialClusterToken: string;
  /** --initial-cluster-state: whether this member founds the cluster or joins one. */
  readonly initialClusterState: 'new' | 'existing';
  /** --pre-vote: ask before campaigning, so a returning member does not disturb its leader. */
  readonly preVote: boolean;
  /** --strict-reconfig-check: refuse membership changes that would lose quorum. */
  readonly strictReconfigCheck: boolean;
  /** --max-learners: non-voting members allowed at a time; the same at all members, since each decides by it. */
  readonly maxLearners: number;

  // Limits.

  /** --max-txn-ops: operations in one transaction. */
  readonly maxTxnOps: number;
  /** --max-request-bytes: size of one client request. */
  readonly maxRequestBytes: number;
  /** --max-concurrent-streams: open HTTP/2 streams per client connection, at most 4,294,967,295. */
  readonly maxConcurrentStreams: number;
  /** --quota-backend-bytes, resolved: 2 GiB when the flag is 0, Infinity when it is negative (no quota). */
  readonly quotaBackendBytes: number;
  /** --grpc-keepalive-min-time: clients may not ping more often than this. */
  readonly grpcKeepaliveMinTimeMs: number;
  /** --grpc-keepalive-interval: how often the server pings an idle client; 0 = never. */
  readonly grpcKeepaliveIntervalMs: number;
  /** --grpc-keepalive-timeout: wait for the answer to a ping before the connection is closed. */
  readonly grpcKeepaliveTimeoutMs: number;

  // Authentication.

  /** --auth-token, --auth-token-ttl: how callers are known once they gave their password. */
  readonly authToken: AuthTokenSetting;
  /** --bcrypt-cost: a password's hash takes 2^cost rounds; 10 for one that isn't from 4 to 31. */
  readonly bcryptCost: number;

  // Upkeep.

  /** --auto-compaction-mode with --auto-compaction-retention. */
  readonly autoCompaction: AutoCompaction;
  /** --compaction-batch-limit: revisions deleted per batch of a compaction. */
  readonly compactionBatchLimit: number;
  /** --compaction-sleep-interval: pause between two such batches. */
  readonly compactionSleepIntervalMs: number;
  /** --watch-progress-notify-interval: at least 100. */
  readonly watchProgressNotifyIntervalMs: number;

  // Observability.

  /** --warning-apply-duration: an apply that takes longer is logged. */
  readonly warningApplyDurationMs: number;
  /** --warning-unary-request-duration: a unary request that takes longer is logged. */
  readonly warningUnaryRequestDurationMs: number;
  /** --metrics: `extensive` adds a latency histogram per gRPC method. */
  readonly metrics: 'basic' | 'extensive';
  /** --log-level. */
  readonly logLevel: LogLevel;
  /** --log-format. */
  readonly logFormat: 'json' | 'console';
  /** --log-outputs: `default`, `stderr`, `stdout` or file paths; never empty. */
  readonly logOutputs: readonly string[];

  // Unsafe, and Kvorum's own.

  /** --force-new-cluster: this member's data becomes a cluster of one; all other members are removed. */
  readonly forceNewCluster: boolean;
  /** --unsafe-no-fsync: nothing is synced; a power cut loses acknowledged writes. */
  readonly unsafeNoFsync: boolean;
  /** --kvorum-transport: HTTP/2 implementation of the client port. */
  readonly kvorumTransport: 'h2' | 'node-http2';
  /** --kvorum-busy-poll-us, in milliseconds: how long the loop may wait for the next request without sleeping. */
  readonly kvorumBusyPollMs: number;
  /** --kvorum-peer-local-address: where connections to other members begin; absent when the system chooses. */
  readonly kvorumPeerLocalAddress?: string;
  /** --kvorum-stop-with-stdin: the end of standard input is a request to stop. */
  readonly kvorumStopWithStdin: boolean;
  /** --kvorum-cache-bytes: memory that the cache of keys may use, and that of ranges as well. */
  readonly kvorumCacheBytes: number;
  /** --kvorum-engine: `memory` keeps nothing across restarts; for tests and benchmarks. */
  readonly kvorumEngine: 'rocksdb' | 'memory';
}
