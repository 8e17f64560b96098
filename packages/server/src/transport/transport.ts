import type { Socket } from 'node:net';

/**
 * An HTTP/2 server that is given its connections. There are two: `@kvorum/h2`, the default, and Node's own `node:http2`,
 * slower and kept as the oracle that the first one is compared with.
 */
export interface Transport {
  /** Serves a connection whose first bytes have been read already. */
  accept(socket: Socket, firstBytes: Buffer): void;
  /** Tells all peers to go, and resolves when what runs has finished. Streams that never end are ended. */
  drain(): Promise<void>;
  /** Ends every connection now. */
  close(): void;
}
