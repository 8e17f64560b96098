import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { type ClientEnvironment, type ClientOptions, RpcClient } from '../rpc-client.ts';
import { FetchChannel, type FetchOptions } from './fetch-channel.ts';

/** What a client in a browser is told. */
export interface ConnectOptions extends ClientOptions, FetchOptions {}

/**
 * A client in a browser, or wherever there is fetch: by gRPC-Web, which Kvorum's client port speaks. Throws
 * `ClientError` "configuration" for endpoints that cannot be read.
 */
export function connect(options: ConnectOptions): Client {
  return createClient(options, environmentOf(options));
}

/**
 * The raw services in a browser, as they are on the wire. Throws `ClientError` "configuration" for endpoints that
 * cannot be read.
 */
export function connectRpc(options: ConnectOptions): RpcClient {
  return new RpcClient(options, environmentOf(options));
}

function environmentOf(options: ConnectOptions): ClientEnvironment {
  const timers = {
    now: () => performance.now(),
    after: (delayMs: number, callback: () => void) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
  };
  return {
    channelFactory: (endpoint) => new FetchChannel(endpoint, options, timers),
    timers,
    wallClock: () => Date.now(),
  };
}
