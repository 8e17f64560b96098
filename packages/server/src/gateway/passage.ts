import type { Socket } from 'node:net';

/**
 * Passes bytes between two sockets, both ways, no faster than the slower side takes them. The end of one direction is
 * passed on and leaves the other open, so both must allow half-open connections; what breaks one breaks the other,
 * which is reset, so that nobody takes a piece for the whole.
 */
export function joinSockets(one: Socket, other: Socket): void {
  passOn(one, other);
  passOn(other, one);
}

function passOn(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.resetAndDestroy());
  from.once('close', () => {
    if (!from.readableEnded) to.destroy();
  });
}
