import { Client, type ClientOptions } from '../client.ts';
import { type ConnectionOptions, H2Channel } from './h2-channel.ts';

/** What a client in Node is told. */
export interface ConnectOptions extends ClientOptions, ConnectionOptions {}

/**
 * A client in Node, over this project's HTTP/2. It connects when the first call wants it. Throws `ClientError`
 * "configuration" for endpoints that cannot be read.
 */
export function connect(options: ConnectOptions): Client {
  return new Client(options, {
    channelFactory: (endpoint) => new H2Channel(endpoint, options),
    timers: {
      now: () => performance.now(),
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
  });
}
