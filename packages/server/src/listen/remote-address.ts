import type { Socket } from 'node:net';

/** Who is at the other end, for logs: `127.0.0.1:51234`, `[::1]:51234`, or `unix`. */
export function remoteAddressOf({ remoteAddress, remoteFamily, remotePort }: Socket): string {
  if (remoteAddress === undefined) return 'unix';
  const host = remoteFamily === 'IPv6' ? `[${remoteAddress}]` : remoteAddress;
  return `${host}:${remotePort}`;
}
