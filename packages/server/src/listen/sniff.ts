import type { Socket } from 'node:net';

/** What is spoken on a connection, in the clear or inside TLS. */
export type Protocol = 'http2' | 'http1';

/** What the first bytes of a connection tell. */
export type Said = Protocol | 'tls';

/** The HTTP/2 preface begins `PRI * HTTP/2.0`; no HTTP/1 method begins with `PRI`. */
const PREFACE_START = Buffer.from('PRI');

/** The type of a TLS record with a handshake in it; no text begins with such a byte. */
const TLS_HANDSHAKE = 0x16;

/**
 * Waits for the first bytes of a connection and tells which protocol they begin. Nothing is said about a connection
 * that ends, fails or stays silent for `timeoutMs`; the last is closed. `after` is the injected timer.
 */
export function sniff(
  socket: Socket,
  timeoutMs: number,
  after: (delayMs: number, callback: () => void) => () => void,
  onProtocol: (said: Said, firstBytes: Buffer) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const stopTimer = after(timeoutMs, () => socket.destroy());
  const done = () => {
    stopTimer();
    socket.off('data', onData);
    socket.off('close', done);
    socket.off('error', onError);
  };
  // A connection that fails before it said anything is nobody's business; 'close' follows.
  const onError = () => {};
  const onData = (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const size = Math.min(bytes.length, PREFACE_START.length);
    const isPreface = bytes.compare(PREFACE_START, 0, size, 0, size) === 0;
    if (isPreface && size < PREFACE_START.length) return;
    done();
    if (bytes[0] === TLS_HANDSHAKE) onProtocol('tls', bytes);
    else onProtocol(isPreface ? 'http2' : 'http1', bytes);
  };
  socket.on('data', onData);
  socket.on('close', done);
  socket.on('error', onError);
}
