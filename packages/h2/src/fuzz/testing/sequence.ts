import { Flag, FrameType, SettingId, clientPreface } from '../../frames.ts';
import { settingsPayload } from '../../settings.ts';
import { mutateItems } from './frame-mutations.ts';
import { Prng } from './prng.ts';
import { probeBlock, Traffic } from './traffic.ts';
import { type Burst, burstsOf, completionOf, frame, frameBytes, type WireItem, walkFrames } from './wire-item.ts';

/** How a client leaves: asked whether all is well, cut off in the middle, or without another word. */
export type Ending = 'probed' | 'cut' | 'silent';

/** What a client sends. */
export interface Sequence {
  readonly seed: number;
  readonly isMutated: boolean;
  readonly items: readonly WireItem[];
  readonly ending: Ending;
}

export function sequenceOf(seed: number): Sequence {
  const random = new Prng(seed);
  const isMutated = random.percent(60);
  const faults = { fieldLists: 0, blocks: 0, bodies: 0 };
  let frameMutations = 0;
  if (isMutated) {
    const count = random.pick([1, 1, 1, 2, 4]);
    for (let i = 0; i < count; i++) {
      const kind = random.below(10);
      if (kind < 2) faults.fieldLists += 1;
      else if (kind < 4) faults.blocks += 1;
      else if (kind < 5) faults.bodies += 1;
      else frameMutations += 1;
    }
  }
  const traffic = new Traffic(random, faults);
  traffic.write(random.pick([0, 1, 1, 2, 2, 3, 5]));
  for (let i = 0; i < frameMutations; i++) mutateItems(traffic.items, random);
  const end = random.below(100);
  const ending = end < 92 ? 'probed' : end < 97 ? 'cut' : 'silent';
  return { seed, isMutated, items: traffic.items, ending };
}

/** The PING whose answer says that a server has read everything. */
export const probePing: Buffer = Buffer.from('finished', 'latin1');

/** What is sent, and what is asked at its end. */
export interface Script {
  readonly bursts: readonly Burst[];
  /** The stream of the last request; 0: there is none. */
  readonly probeStreamId: number;
  /** The bursts before this belong to the sequence. */
  readonly probeBurst: number;
}

export function scriptOf({ items, ending, seed }: Sequence): Script {
  const bursts = burstsOf(items, true);
  const whole = Buffer.concat(bursts);
  const probeBurst = bursts.length;
  if (ending !== 'probed') {
    const last = bursts[bursts.length - 1] as Buffer;
    bursts[bursts.length - 1] = last.subarray(0, 1 + new Prng(seed).below(last.length));
    return { bursts, probeStreamId: 0, probeBurst };
  }
  const completion = completionOf(whole, clientPreface.length);
  if (completion.length > 0) {
    bursts[bursts.length - 1] = Buffer.concat([bursts[bursts.length - 1] as Buffer, completion]);
  }
  const { lastStreamId } = walkFrames(Buffer.concat([whole, completion]), clientPreface.length);
  const probeStreamId = lastStreamId >= 0x7fff_fff0 ? 0 : lastStreamId + 1 + (lastStreamId & 1);
  bursts.push(frameBytes(frame(FrameType.ping, 0, 0, probePing)));
  if (probeStreamId > 0) bursts.push(probe(probeStreamId));
  return { bursts, probeStreamId, probeBurst };
}

/** A request, with room for its answer. */
function probe(streamId: number): Buffer {
  const settings = Buffer.from(settingsPayload([[SettingId.initialWindowSize, 65_535]]));
  return Buffer.concat([
    frameBytes(frame(FrameType.settings, 0, 0, settings)),
    frameBytes(frame(FrameType.headers, Flag.endHeaders | Flag.endStream, streamId, probeBlock())),
  ]);
}

/** A burst in pieces, cut anywhere. */
export function piecesOf(burst: Burst, random: Prng): Buffer[] {
  const kind = random.below(10);
  if (kind < 4) return [Buffer.from(burst)];
  const longest = kind < 6 ? 9 : kind < 8 ? 100 : 2000;
  // However long the burst, its pieces are not many.
  const least = burst.length >> 7;
  const pieces: Buffer[] = [];
  for (let at = 0; at < burst.length; ) {
    const end = Math.min(burst.length, at + 1 + least + random.below(longest));
    pieces.push(Buffer.from(burst.subarray(at, end)));
    at = end;
  }
  return pieces;
}
