import type { Prng } from './prng.ts';
import { type FrameItem, frame, frameBytes, type WireItem } from './wire-item.ts';

/** Breaks frames, their order, or bytes of them; the first frame is no safer than the others. */
export function mutateItems(items: WireItem[], random: Prng): void {
  if (items.length === 0) return;
  const at = random.below(items.length);
  const item = items[at] as WireItem;
  const mutations: (() => void)[] = [
    () => void items.splice(at, 1),
    () => void items.splice(at, 0, item),
    () => {
      const other = random.below(items.length);
      items[at] = items[other] as WireItem;
      items[other] = item;
    },
    () => void items.splice(at, 0, { kind: 'bytes', bytes: random.bytes(random.below(40)) }),
    () => void items.splice(at, 0, randomFrame(random)),
    () => void items.splice(at, 0, randomFrame(random)),
  ];
  if (item.kind === 'frame') {
    const inFrame = () => {
      items[at] = mutateFrame(item, random);
    };
    mutations.push(inFrame, inFrame, inFrame, inFrame, inFrame, inFrame, inFrame);
  }
  random.pick(mutations)();
}

/** Ids that mean something different to a server each. */
const streamIds = [0, 1, 2, 3, 4, 5, 7, 9, 99, 0x7fff_ffff];
const words = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 16_383, 16_384, 65_535];

function mutateFrame(item: FrameItem, random: Prng): WireItem {
  const { payload } = item;
  const length = payload.length;
  const changes: (() => WireItem)[] = [
    () => flipBit(item, random),
    () => flipBit(item, random),
    () => ({ ...item, flags: item.flags ^ (1 << random.below(8)) }),
    () => ({ ...item, type: random.below(12) }),
    () => ({ ...item, streamId: random.pick(streamIds) }),
    () => ({ ...item, streamId: (item.streamId ^ (1 << random.below(31))) >>> 0 }),
    () => ({ ...item, payload: payload.subarray(0, random.below(length + 1)) }),
    () => ({ ...item, payload: payload.subarray(Math.min(1, length)) }),
    () => ({ ...item, payload: Buffer.concat([payload, random.bytes(random.between(1, 20))]) }),
    () => ({ ...item, payload: withWord(payload, random) }),
    () => wrongLength(item, random),
  ];
  return random.pick(changes)();
}

function flipBit(item: FrameItem, random: Prng): WireItem {
  const bytes = frameBytes(item);
  // In the header or in front of the payload, where the meaning is, half of the time.
  const at = random.below(random.percent(50) ? Math.min(16, bytes.length) : bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return { kind: 'bytes', bytes };
}

/** One of the payload's four-byte numbers becomes an extreme one. */
function withWord(payload: Buffer, random: Prng): Buffer {
  const copy = Buffer.from(payload);
  if (copy.length < 4) return copy;
  copy.writeUInt32BE(random.pick(words), random.below(Math.min(copy.length, 14) - 3));
  return copy;
}

function wrongLength(item: FrameItem, random: Prng): WireItem {
  const bytes = frameBytes(item);
  const { length } = item.payload;
  const lengths = [0, length - 1, length + 1, length + 9, 16_384, 16_385, 0xff_ffff];
  bytes.writeUIntBE(Math.max(0, random.pick(lengths)), 0, 3);
  return { kind: 'bytes', bytes };
}

/** A frame of a known type with a payload of about the right size and any content. */
function randomFrame(random: Prng): WireItem {
  const payload = random.bytes(random.pick([0, 1, 4, 4, 5, 6, 8, 8, 12, random.below(30)]));
  const small = random.percent(50) && payload.length >= 4;
  if (small) payload.fill(0, 0, 3);
  return frame(random.below(11), random.below(64), random.pick(streamIds), payload);
}
