import { Flag, FrameType, SettingId } from '../../frames.ts';
import { settingsPayload } from '../../settings.ts';
import { breakBlock } from './block-mutations.ts';
import { HpackWriter } from './hpack-writer.ts';
import type { Prng } from './prng.ts';
import { brokenFields, type RequestPlan, randomRequest } from './requests.ts';
import { frame, uint32Bytes, type WireItem } from './wire-item.ts';

/** Mistakes that traffic is to contain, besides those made in its frames afterwards. */
export interface TrafficFaults {
  fieldLists: number;
  blocks: number;
  bodies: number;
}

/** A request whose frames are partly out. */
interface OpenRequest {
  readonly streamId: number;
  readonly plan: RequestPlan;
  sentBytes: number;
  hasHead: boolean;
  /** Its last frame is an empty one. */
  endsEmpty: boolean;
}

/** Frames of a client that has several requests under way and changes its mind about settings. */
export class Traffic {
  readonly items: WireItem[] = [];
  readonly #random: Prng;
  readonly #faults: TrafficFaults;
  readonly #hpack: HpackWriter;
  readonly #open: OpenRequest[] = [];
  #nextStreamId = 1;
  #lastStreamId = 0;

  constructor(random: Prng, faults: TrafficFaults) {
    this.#random = random;
    this.#faults = faults;
    this.#hpack = new HpackWriter(random);
  }

  write(requestCount: number): void {
    const random = this.#random;
    this.#greet();
    let begun = 0;
    while (begun < requestCount || this.#open.length > 0) {
      if (random.percent(18)) this.#aside();
      else if (begun < requestCount && (this.#open.length === 0 || random.percent(30))) {
        this.#begin();
        begun += 1;
      } else this.#goOn();
      if (random.percent(12)) this.items.push({ kind: 'pause' });
    }
    if (random.percent(70)) this.#openWindows();
  }

  #greet(): void {
    const entries = this.#random.percent(50) ? [] : this.#settings();
    this.#push(FrameType.settings, 0, 0, Buffer.from(settingsPayload(entries)));
    // To the server's SETTINGS, which are always sent.
    this.#push(FrameType.settings, Flag.ack, 0);
  }

  #begin(): void {
    const random = this.#random;
    this.#open.push({
      streamId: this.#nextStreamId,
      plan: randomRequest(random),
      sentBytes: 0,
      hasHead: false,
      endsEmpty: random.percent(20),
    });
    this.#lastStreamId = this.#nextStreamId;
    this.#nextStreamId += random.percent(95) ? 2 : 2 * random.between(1, 5);
    this.#goOn(this.#open.length - 1);
  }

  /** One more frame or block of an open request. */
  #goOn(index: number = this.#random.below(this.#open.length)): void {
    const request = this.#open[index];
    if (request === undefined) return;
    const { streamId } = request;
    const random = this.#random;
    const isOver = request.hasHead && random.percent(4);
    if (isOver) {
      if (random.percent(70)) this.items.push({ kind: 'pause' });
      this.#push(FrameType.rstStream, 0, streamId, uint32Bytes(random.pick([0, 8, 8, 2])));
    }
    const hasEnded =
      isOver || (request.hasHead ? this.#writeBody(request) : this.#writeHead(request));
    if (hasEnded) this.#open.splice(index, 1);
  }

  /** True when the request is complete. */
  #writeHead(request: OpenRequest): boolean {
    const { plan, streamId } = request;
    request.hasHead = true;
    const isAlone = plan.body.length === 0 && plan.trailers === undefined && !request.endsEmpty;
    this.#writeBlock(streamId, plan.fields, isAlone);
    return isAlone;
  }

  #writeBody(request: OpenRequest): boolean {
    const random = this.#random;
    const { plan, streamId, endsEmpty } = request;
    const left = plan.body.length - request.sentBytes;
    if (left === 0 && plan.trailers !== undefined) {
      this.#writeBlock(streamId, plan.trailers, true);
      return true;
    }
    const bytes = random.percent(50) ? left : random.below(Math.min(left, 12_000) + 1);
    const piece = plan.body.subarray(request.sentBytes, request.sentBytes + bytes);
    request.sentBytes += bytes;
    const isLast = bytes === left && plan.trailers === undefined && (left === 0 || !endsEmpty);
    this.#writeData(streamId, this.#isFaulty('bodies') ? piece.subarray(1) : piece, isLast);
    return isLast;
  }

  #writeData(streamId: number, piece: Buffer, isLast: boolean): void {
    const end = isLast ? Flag.endStream : 0;
    if (!this.#random.percent(25)) {
      this.#push(FrameType.data, end, streamId, piece);
      return;
    }
    const padLength = this.#random.below(this.#random.percent(80) ? 10 : 256);
    const payload = Buffer.concat([Buffer.from([padLength]), piece, Buffer.alloc(padLength)]);
    this.#push(FrameType.data, Flag.padded | end, streamId, payload);
  }

  /** HEADERS, perhaps padded, with a priority, and cut into CONTINUATION frames. */
  #writeBlock(streamId: number, plan: RequestPlan['fields'], endStream: boolean): void {
    const random = this.#random;
    const isBroken = plan.length > 0 && this.#isFaulty('fieldLists');
    let block = this.#hpack.block(isBroken ? brokenFields(plan, random) : plan);
    if (this.#isFaulty('blocks')) block = breakBlock(block, random);
    let flags = endStream ? Flag.endStream : 0;
    const cuts = random.percent(75) ? 0 : random.between(1, 3);
    const ends = Array.from({ length: cuts }, () => random.below(block.length + 1));
    ends.push(block.length);
    ends.sort((a, b) => a - b);
    let payload = block.subarray(0, ends[0]);
    if (random.percent(15)) {
      const priority = Buffer.concat([uint32Bytes(random.pick([0, 98, 100])), Buffer.from([15])]);
      payload = Buffer.concat([priority, payload]);
      flags |= Flag.priority;
    }
    if (random.percent(15)) {
      const padLength = random.below(20);
      payload = Buffer.concat([Buffer.from([padLength]), payload, Buffer.alloc(padLength)]);
      flags |= Flag.padded;
    }
    this.#push(FrameType.headers, flags | (cuts === 0 ? Flag.endHeaders : 0), streamId, payload);
    for (let i = 1; i < ends.length; i++) {
      const isLast = i === ends.length - 1;
      const part = block.subarray(ends[i - 1], ends[i]);
      this.#push(FrameType.continuation, isLast ? Flag.endHeaders : 0, streamId, part);
    }
  }

  /** A frame that belongs to no request's course. */
  #aside(): void {
    const random = this.#random;
    const lastId = this.#lastStreamId;
    const someId = lastId === 0 ? 0 : 1 + 2 * random.below((lastId + 1) / 2);
    const kinds: (() => void)[] = [
      () => this.#push(FrameType.settings, 0, 0, Buffer.from(settingsPayload(this.#settings()))),
      () => this.#push(FrameType.ping, 0, 0, random.bytes(8)),
      () => this.#push(FrameType.windowUpdate, 0, 0, uint32Bytes(random.between(1, 70_000))),
      () => this.#push(FrameType.priority, 0, someId + 2, random.bytes(5).fill(0, 0, 4)),
      () => this.#push(random.between(0xb0, 0xff), random.below(256), someId, random.bytes(9)),
      () => {
        const increment = uint32Bytes(random.between(1, 70_000));
        if (lastId > 0) this.#push(FrameType.windowUpdate, 0, lastId, increment);
      },
    ];
    random.pick(kinds)();
  }

  #settings(): [number, number][] {
    const random = this.#random;
    const choices: [number, number[]][] = [
      [SettingId.headerTableSize, [0, 60, 300, 4096, 10_000]],
      [SettingId.enablePush, [0, 1]],
      [SettingId.maxConcurrentStreams, [0, 1, 100]],
      [SettingId.initialWindowSize, [0, 1, 500, 65_535, 1_000_000]],
      [SettingId.maxFrameSize, [16_384, 20_000, 16_777_215]],
      [SettingId.maxHeaderListSize, [10_000, 0xffff_ffff]],
      [0xf0, [1]],
    ];
    return Array.from({ length: random.below(4) }, (): [number, number] => {
      const [id, values] = random.pick(choices);
      return [id, random.pick(values)];
    });
  }

  /** Lets everything out that waits for a window. */
  #openWindows(): void {
    const entries: [number, number][] = [[SettingId.initialWindowSize, 1_000_000]];
    this.#push(FrameType.settings, 0, 0, Buffer.from(settingsPayload(entries)));
    this.#push(FrameType.windowUpdate, 0, 0, uint32Bytes(1_000_000));
  }

  /** Whether one of the wanted mistakes is made here. */
  #isFaulty(kind: keyof TrafficFaults): boolean {
    if (this.#faults[kind] === 0 || !this.#random.percent(50)) return false;
    this.#faults[kind] -= 1;
    return true;
  }

  #push(type: number, flags: number, streamId: number, payload?: Buffer): void {
    this.items.push(frame(type, flags, streamId, payload));
  }
}

/** Header fields for a request that is only to be answered. */
export function probeBlock(): Buffer {
  return HpackWriter.plainBlock([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/echo'],
    [':authority', 'probe'],
  ]);
}
