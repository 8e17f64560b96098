import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { HandshakeProblem } from '../tls/handshake-error.ts';
import type { Said } from './sniff.ts';

/** How long the last words may take. */
const FAREWELL_MS = 1000;

/** What is wrong with a connection in the clear to an address that wants TLS, or the reverse. */
export function misdirected(said: Said): HandshakeProblem {
  if (said === 'tls') {
    return {
      error: 'tls: the client speaks TLS, which this address does not',
      hint: 'use http:// endpoints for it, or an https:// listen URL with --cert-file and --key-file',
    };
  }
  const spoken = said === 'http2' ? 'HTTP/2' : 'HTTP/1.1';
  return {
    error: 'tls: first record does not look like a TLS handshake',
    hint: `the client speaks ${spoken}, in the clear: use https:// endpoints`,
  };
}

/**
 * Ends a connection with an answer in the clear, which clients of either kind know what to make of: HTTP/1 shows it,
 * HTTP/2 and TLS fail at once and say that this looks like HTTP/1.
 */
export function sendAway(socket: Socket, said: Said, clock: Pick<Clock, 'after'>): void {
  const reason =
    said === 'tls'
      ? 'Client sent a TLS handshake to an HTTP server.\n'
      : 'Client sent an HTTP request to an HTTPS server.\n';
  const stopTimer = clock.after(FAREWELL_MS, () => socket.destroy());
  socket.on('error', () => {});
  socket.once('close', stopTimer);
  // What is still on its way would reset the connection if nobody read it, and the answer would be lost with it.
  socket.resume();
  socket.end(
    'HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
      `Connection: close\r\nContent-Length: ${reason.length}\r\n\r\n${reason}`,
  );
}
