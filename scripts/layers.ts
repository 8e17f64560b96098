// Which package may know which, and where the outside world may enter. tidy.test.ts holds the sources to it.

/** Node modules that compute but reach nothing outside the process. */
export const pureBuiltins: readonly string[] = [
  'node:assert',
  'node:buffer',
  'node:events',
  'node:module',
  'node:path',
  'node:querystring',
  'node:stream',
  'node:string_decoder',
  'node:url',
  'node:util',
  'node:zlib',
];

/** What the code of one package may use. Tests, benches and `testing/` are free, but for the borders. */
export interface Layer {
  /** Packages it may import, by name. */
  readonly imports: readonly string[];
  /** Packages that one folder alone may import besides, by its path below src/; users need them for that part only. */
  readonly folderImports?: Readonly<Record<string, readonly string[]>>;
  /** Folders that are entry points of their own, by path below src/, since few need them. */
  readonly doors?: readonly string[];
  /** Node modules open to all its files; `hostFiles` may use any. */
  readonly builtins: 'none' | 'pure' | 'all';
  /** Folders, by path below src/, that run in Node alone: open to modules that compute. */
  readonly pureFolders?: readonly string[];
  /**
   * Files through which time, randomness, disk, network and the process enter; all others get them
   * injected. Paths below src/.
   */
  readonly hostFiles: readonly string[];
}

/** By folder under packages/. An import that goes against the direction of this table is a cycle to be. */
export const layers: Readonly<Record<string, Layer>> = {
  raft: { imports: [], builtins: 'none', hostFiles: [] },
  wal: { imports: [], builtins: 'pure', hostFiles: ['node-disk.ts', 'node-lock.ts'] },
  mvcc: {
    imports: ['rocksdb', 'sorted-btree'],
    builtins: 'pure',
    hostFiles: ['rocksdb-binding.ts', 'rocksdb-engine.ts'],
  },
  h2: {
    imports: [],
    folderImports: { 'connect/': ['@bufbuild/protobuf', '@connectrpc/connect'] },
    builtins: 'pure',
    // output.ts asks of a stream whether it is a TCP socket, no more.
    hostFiles: ['node-clock.ts', 'socket.ts', 'output.ts'],
  },
  api: { imports: ['@bufbuild/protobuf'], builtins: 'none', hostFiles: [] },
  client: {
    imports: ['@kvorum/api', '@kvorum/h2', '@bufbuild/protobuf'],
    folderImports: { 'opentelemetry/': ['@opentelemetry/api'] },
    builtins: 'none',
    // What is neither in node/ nor in etcd3/ also runs in browsers.
    pureFolders: ['etcd3/'],
    hostFiles: [
      'etcd3/environment.ts',
      'node/connect.ts',
      'node/diagnostics.ts',
      'node/dial.ts',
      'node/h2-channel.ts',
      'node/srv-resolver.ts',
      'web/connect.ts',
    ],
    doors: ['etcd3/', 'web/'],
  },
  recipes: {
    imports: ['@kvorum/client'],
    builtins: 'none',
    // Where nothing else is injected, timers and names come from the platform, in browsers too.
    hostFiles: ['environment.ts'],
  },
  ctl: {
    imports: [
      '@kvorum/api',
      '@kvorum/client',
      '@kvorum/server',
      '@bufbuild/protobuf',
      'cli-progress',
      'cli-table3',
      'fastest-levenshtein',
    ],
    builtins: 'all',
    hostFiles: ['node-host.ts', 'node-line-editor.ts'],
  },
  server: {
    imports: [
      '@kvorum/raft',
      '@kvorum/wal',
      '@kvorum/mvcc',
      '@kvorum/h2',
      '@kvorum/api',
      '@kvorum/client',
      '@kvorum/recipes',
      '@bufbuild/protobuf',
      '@connectrpc/connect',
      '@connectrpc/connect-node',
      '@node-rs/bcrypt',
      '@peculiar/asn1-schema',
      '@peculiar/asn1-x509',
      'fastest-levenshtein',
      'jose',
      'pino',
      'prom-client',
      'ws',
      'yaml',
    ],
    // What is done to the files of members that don't run, for kvutl.
    doors: ['offline/'],
    // It is the package that wires the world in: sockets, TLS, hashes. Time still enters by its clock.
    builtins: 'all',
    // server.ts fills in what its caller did not inject, node-auth.ts the randomness of tokens, node-self-signed.ts
    // that of keys; process-vars.ts reports on the process itself.
    hostFiles: [
      'main.ts',
      'program.ts',
      'process-log.ts',
      'node-systemd.ts',
      'server.ts',
      'clock.ts',
      'auth/node-auth.ts',
      'tls/node-self-signed.ts',
      'http/process-vars.ts',
      'dev-cluster/program.ts',
      'discovery/service/program.ts',
      'gateway/program.ts',
      'grpc-proxy/program.ts',
      'subcommand/run-subcommand.ts',
    ],
  },
};

/** A way to reach the world around the injected interfaces, and what to use in its place. */
export interface BannedCall {
  readonly pattern: RegExp;
  readonly name: string;
  readonly instead: string;
}

export const bannedCalls: readonly BannedCall[] = [
  {
    pattern: /\bnew Date\(\s*\)|\bDate\.now\b/,
    name: 'the wall clock',
    instead: 'an injected clock',
  },
  { pattern: /\bperformance\s*\.\s*now\b/, name: 'performance.now', instead: 'an injected clock' },
  { pattern: /\bprocess\.hrtime\b/, name: 'process.hrtime', instead: 'an injected clock' },
  {
    pattern: /\b(setTimeout|setInterval|setImmediate)\s*\(/,
    name: 'a timer',
    instead: 'injected timers',
  },
  {
    pattern: /\bMath\.random\b|\brandom(Bytes|UUID|Int)\s*\(|\bgetRandomValues\b/,
    name: 'randomness',
    instead: 'an injected generator',
  },
  {
    pattern: /\bprocess\.(exit|env|argv|cwd|on|once|stdout|stderr|stdin|kill|chdir)\b/,
    name: 'the process',
    instead: 'configuration or an injected callback',
  },
  { pattern: /\bconsole\.\w/, name: 'console', instead: 'the injected logger' },
];

/**
 * Files that break the rule on length, with the lines they may have at most. The list only shrinks: no
 * file is added, and a bound goes down when its file does.
 */
export const longFiles: Readonly<Record<string, number>> = {};
