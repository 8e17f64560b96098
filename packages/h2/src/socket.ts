import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Who is at the other end of a byte stream, such as `127.0.0.1:51234` or `[::1]:51234`. */
export function describePeer(stream: Duplex): string {
  if (!(stream instanceof Socket)) return 'stream';
  const { remoteAddress, remoteFamily, remotePort } = stream;
  if (remoteAddress === undefined) return 'unix';
  return remoteFamily === 'IPv6'
    ? `[${remoteAddress}]:${remotePort}`
    : `${remoteAddress}:${remotePort}`;
}

/** We gather small writes ourselves; the kernel must not do it again (Nagle's algorithm). */
export function prepareSocket(stream: Duplex): void {
  if (stream instanceof Socket) stream.setNoDelay(true);
}
