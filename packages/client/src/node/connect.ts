import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { discoverEndpoints } from '../endpoints/discovery.ts';
import { type ClientEnvironment, type ClientOptions, RpcClient } from '../rpc-client.ts';
import { diagnostics } from './diagnostics.ts';
import { type ConnectionOptions, H2Channel } from './h2-channel.ts';
import { srvResolver } from './srv-resolver.ts';

/** What a client in Node is told. */
export interface ConnectOptions extends ClientOptions, ConnectionOptions {}

/**
 * A client in Node, over this project's HTTP/2. It connects when the first call wants it, and asks a server that is
 * silent for 10 s for a sign of life, which may take as long; `keepaliveIntervalMs` and `keepaliveTimeoutMs` change
 * that. Throws `ClientError` "configuration" for endpoints that cannot be read.
 */
export function connect(options: ConnectOptions): Client {
  return createClient(options, nodeEnvironment({ ...keepalive, ...options }));
}

/**
 * The raw services in Node, as they are on the wire. Connects when the first call wants it. Throws `ClientError`
 * "configuration" for endpoints that cannot be read.
 */
export function connectRpc(options: ConnectOptions): RpcClient {
  return new RpcClient(options, nodeEnvironment(options));
}

/** Watches and leases are quiet for long: whether the server is still there is asked more often. */
const keepalive = { keepaliveIntervalMs: 10_000, keepaliveTimeoutMs: 10_000 } as const;

/**
 * What `connect` makes a client of, for `createClient` and `RpcClient`: timers, DNS, and channels that the options secure
 * and watch over. `endpoints` and what else is about calls has no effect on it.
 */
export function nodeEnvironment(options: ConnectionOptions): ClientEnvironment {
  const resolveSrv = srvResolver();
  return {
    channelFactory: (endpoint) => new H2Channel(endpoint, options),
    timers: {
      now: () => performance.now(),
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
      quietly: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs).unref();
        return () => clearTimeout(timer);
      },
      random: () => Math.random(),
    },
    discover: (discovery) => discoverEndpoints(resolveSrv, discovery),
    wallClock: () => Date.now(),
    interceptors: diagnostics,
  };
}
