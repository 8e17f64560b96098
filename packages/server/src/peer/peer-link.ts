import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Greeting } from './handshake.ts';

/** How another member is reached, for all channels to it. */
export interface PeerLink {
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: () => Promise<Duplex>;
  readonly greeting: () => Greeting;
  /** An attempt to connect has failed; another follows. */
  readonly onFailure?: (error: Error) => void;
}
