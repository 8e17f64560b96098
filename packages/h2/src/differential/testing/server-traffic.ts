import { Flag, FrameType, SettingId } from '../../frames.ts';
import { settingsPayload } from '../../settings.ts';
import { breakBlock } from './block-mutations.ts';
import { mutateItems } from './frame-mutations.ts';
import { type Field, HpackWriter } from './hpack-writer.ts';
import { Prng } from './prng.ts';
import { frame, uint32Bytes, type WireItem } from './wire-item.ts';

/** What a server sends to calls on streams 1, 3, 5 …, wholly decided by a seed of 32 bits. */
export interface ServerSequence {
  readonly seed: number;
  readonly items: readonly WireItem[];
  readonly calls: number;
  /** What each call must come to when the sequence `isValid`: its reply, or its status. */
  readonly outcomes: readonly (Buffer | number)[];
  readonly isValid: boolean;
}

/** One in three is right; the others have mistakes in blocks or frames. */
export function serverSequenceOf(seed: number): ServerSequence {
  const random = new Prng(seed);
  const isValid = random.percent(34);
  const calls = random.between(1, 4);
  const traffic = new ServerTraffic(random, !isValid && random.percent(35));
  const outcomes = traffic.write(calls);
  if (!isValid) {
    const mutations = random.between(1, 3);
    for (let i = 0; i < mutations; i++) mutateItems(traffic.items, random);
  }
  return { seed, items: traffic.items, calls, outcomes, isValid };
}

/** Frames of a server with several answers under way, in every way that the RFCs allow. */
class ServerTraffic {
  readonly items: WireItem[] = [];
  readonly #random: Prng;
  readonly #hpack: HpackWriter;
  #breaksBlock: boolean;

  constructor(random: Prng, breaksBlock: boolean) {
    this.#random = random;
    this.#hpack = new HpackWriter(random);
    this.#breaksBlock = breaksBlock;
  }

  write(calls: number): (Buffer | number)[] {
    const random = this.#random;
    const settings: [number, number][] = random.percent(50)
      ? []
      : [[SettingId.initialWindowSize, random.pick([0, 100, 65_535, 1 << 20])]];
    this.#push(FrameType.settings, 0, 0, Buffer.from(settingsPayload(settings)));
    this.#push(FrameType.settings, Flag.ack, 0);
    const outcomes: (Buffer | number)[] = [];
    const open: (() => boolean)[] = [];
    for (let i = 0; i < calls; i++) {
      const status = random.percent(75) ? 0 : random.between(1, 16);
      const reply = random.bytes(random.pick([0, 1, 30, 5000, 20_000]));
      outcomes.push(status === 0 ? reply : status);
      open.push(this.#answer(2 * i + 1, status, reply));
    }
    while (open.length > 0) {
      if (random.percent(15)) this.#aside(calls);
      const at = random.below(open.length);
      if (open[at]?.() === true) open.splice(at, 1);
      if (random.percent(10)) this.items.push({ kind: 'pause' });
    }
    return outcomes;
  }

  /** Sends an answer step by step; a step tells whether it was the last. */
  #answer(streamId: number, status: number, reply: Buffer): () => boolean {
    const random = this.#random;
    const head: Field[] = [
      [':status', '200'],
      ['content-type', 'application/grpc'],
      ['x-trace', String(random.below(3))],
    ];
    const trailers: Field[] = [['grpc-status', String(status)]];
    if (status !== 0) trailers.push(['grpc-message', random.pick(['no', 'a%20b', '%E2%82%AC'])]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(reply.length, 1);
    let rest = status === 0 ? Buffer.concat([prefix, reply]) : Buffer.alloc(0);
    let hasHead = false;
    return () => {
      if (!hasHead) {
        hasHead = true;
        if (status !== 0 && random.percent(50)) {
          this.#block(streamId, [...head, ...trailers], true);
          return true;
        }
        this.#block(streamId, head, false);
      } else if (rest.length > 0 && !random.percent(8)) {
        const size = random.pick([1, 5, 100, 16_384]);
        this.#data(streamId, rest.subarray(0, size));
        rest = rest.subarray(size);
      } else if (rest.length === 0) {
        this.#block(streamId, trailers, true);
        return true;
      }
      return false;
    };
  }

  #data(streamId: number, body: Buffer): void {
    const random = this.#random;
    if (body.length > 16_000 || !random.percent(15)) {
      this.#push(FrameType.data, 0, streamId, body);
      return;
    }
    const padding = random.below(200);
    const padded = Buffer.concat([Buffer.from([padding]), body, Buffer.alloc(padding)]);
    this.#push(FrameType.data, Flag.padded, streamId, padded);
  }

  /** HEADERS, with CONTINUATION now and then. */
  #block(streamId: number, fields: readonly Field[], endStream: boolean): void {
    const random = this.#random;
    let block = this.#hpack.block(fields);
    if (this.#breaksBlock && random.percent(30)) {
      this.#breaksBlock = false;
      block = breakBlock(block, random);
    }
    const endFlag = endStream ? Flag.endStream : 0;
    if (!random.percent(15)) {
      this.#push(FrameType.headers, Flag.endHeaders | endFlag, streamId, block);
      return;
    }
    const cut = random.below(block.length + 1);
    this.#push(FrameType.headers, endFlag, streamId, block.subarray(0, cut));
    this.#push(FrameType.continuation, Flag.endHeaders, streamId, block.subarray(cut));
  }

  /** Frames beside the answers, none of which changes them. */
  #aside(calls: number): void {
    const random = this.#random;
    const streamId = 2 * random.below(calls) + 1;
    random.pick([
      () => this.#push(FrameType.ping, 0, 0, random.bytes(8)),
      () => this.#push(FrameType.windowUpdate, 0, 0, uint32Bytes(random.between(1, 70_000))),
      () => this.#push(FrameType.windowUpdate, 0, streamId, uint32Bytes(random.between(1, 9000))),
      () => this.#push(random.between(0x20, 0xff), random.below(256), streamId, random.bytes(4)),
      () => this.#push(FrameType.settings, 0, 0),
      () => this.#push(FrameType.priority, 0, streamId, Buffer.from([0, 0, 0, 0, 7])),
    ])();
  }

  #push(type: number, flags: number, streamId: number, payload?: Buffer): void {
    this.items.push(frame(type, flags, streamId, payload));
  }
}
