import { type AbortReason, Status, type StreamCall, type StreamReceiver } from '@kvorum/h2';
import type { MemberId, Message } from '@kvorum/raft';
import type { Clock } from '../clock.ts';
import { ProtoError } from '../codec/proto-reader.ts';
import type { Logger } from '../logging/logger.ts';
import { formatId } from '../membership/ids.ts';
import { StateStreamError } from '../snapshot/state-stream.ts';
import type { IncomingState } from '../storage.ts';
import type { PeerHost } from './peer-host.ts';
import { decodeStateHeader, encodeCount } from './state-header.ts';

/** How long a state whose stream broke off is kept, for its sender to take it up. */
const KEEP_MS = 30_000;

export interface StateReceiverOptions {
  readonly host: PeerHost;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when a state has arrived whole, or has not. */
  readonly onEnd: (from: MemberId, isWhole: boolean, tookMs: number) => void;
}

/** A state that is coming in, by whatever streams. */
interface Incoming {
  readonly name: string;
  readonly from: MemberId;
  readonly beganAtMs: number;
  message: Message | undefined;
  state: IncomingState | undefined;
  count: number;
  stopTimer: (() => void) | undefined;
}

/** Receives the leader's state, one at a time: the newest counts. */
export class StateReceiver {
  readonly #options: StateReceiverOptions;
  #incoming: Incoming | undefined;
  #stream: StateStream | undefined;
  /** What is done to the incoming state is done in order. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: StateReceiverOptions) {
    this.#options = options;
  }

  /** A stream of a state of that name begins. */
  open(call: StreamCall, from: MemberId, name: string): StreamReceiver {
    const before = this.#stream;
    const stream = new StateStream(this, call);
    this.#stream = stream;
    before?.end(Status.aborted, 'another state follows');
    this.#inOrder(async () => {
      await this.#begin(from, name);
      stream.tellCount(this.#incoming?.count ?? 0);
    });
    return stream;
  }

  /** Gives up what is incomplete; nothing comes any more. */
  async close(): Promise<void> {
    this.#stream?.end(Status.unavailable, 'the member stops');
    this.#stream = undefined;
    this.#inOrder(() => this.#drop());
    await this.#tail;
  }

  onMessage(stream: StateStream, bytes: Uint8Array): void {
    this.#inOrder(async () => {
      const incoming = this.#incoming;
      if (stream !== this.#stream || incoming === undefined) return;
      const { host } = this.#options;
      if (incoming.message === undefined) {
        incoming.message = decodeStateHeader(bytes, incoming.from, host.memberId);
        incoming.state = await host.receiveState();
      } else {
        incoming.state?.writer.push(bytes);
      }
      incoming.count += 1;
      stream.tellCount(incoming.count);
    });
  }

  onHalfClose(stream: StateStream): void {
    this.#inOrder(async () => {
      const incoming = this.#incoming;
      if (stream !== this.#stream || incoming === undefined) return;
      const { message, state } = incoming;
      if (message?.snapshot === undefined || state === undefined) {
        throw new StateStreamError('the state ended before its beginning');
      }
      await state.finish(message.snapshot.metadata.index);
      this.#incoming = undefined;
      this.#stream = undefined;
      const { host, clock, onEnd } = this.#options;
      onEnd(incoming.from, true, clock.nowMs() - incoming.beganAtMs);
      host.step(message);
      stream.end(Status.ok, '');
    });
  }

  /** The stream broke off; its state waits a while for another one. */
  onAbort(stream: StateStream): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#inOrder(async () => {
      const incoming = this.#incoming;
      if (incoming === undefined || this.#stream !== undefined) return;
      incoming.stopTimer = this.#options.clock.after(KEEP_MS, () => {
        this.#inOrder(async () => {
          if (this.#incoming === incoming && this.#stream === undefined) await this.#drop();
        });
      });
    });
  }

  async #begin(from: MemberId, name: string): Promise<void> {
    this.#incoming?.stopTimer?.();
    if (this.#incoming?.name === name && this.#incoming.from === from) return;
    await this.#drop();
    const { clock, logger } = this.#options;
    logger.info('receiving a state', { from: formatId(from), state: name });
    this.#incoming = {
      name,
      from,
      beganAtMs: clock.nowMs(),
      message: undefined,
      state: undefined,
      count: 0,
      stopTimer: undefined,
    };
  }

  async #drop(): Promise<void> {
    const incoming = this.#incoming;
    if (incoming === undefined) return;
    this.#incoming = undefined;
    incoming.stopTimer?.();
    const { clock, onEnd } = this.#options;
    onEnd(incoming.from, false, clock.nowMs() - incoming.beganAtMs);
    await incoming.state?.abort();
  }

  #inOrder(step: () => Promise<void>): void {
    this.#tail = this.#tail.then(step).catch((error: unknown) => this.#failed(error));
  }

  /** What came is no state: the sender starts over. Anything else is a bug, or a disk that failed. */
  async #failed(error: unknown): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (!(error instanceof StateStreamError || error instanceof ProtoError)) {
      this.#options.host.onFailure(error);
      return;
    }
    this.#options.logger.warn('a state of another member was refused', { error });
    stream?.end(Status.dataLoss, error.message);
    await this.#drop();
  }
}

/** One stream of a state. */
class StateStream implements StreamReceiver {
  readonly #receiver: StateReceiver;
  readonly #call: StreamCall;

  constructor(receiver: StateReceiver, call: StreamCall) {
    this.#receiver = receiver;
    this.#call = call;
  }

  tellCount(count: number): void {
    this.#call.send(encodeCount(count));
  }

  end(status: number, text: string): void {
    this.#call.end(status, text);
  }

  onMessage(message: Uint8Array): void {
    this.#receiver.onMessage(this, message);
  }

  onHalfClose(): void {
    this.#receiver.onHalfClose(this);
  }

  onAbort(_reason: AbortReason): void {
    this.#receiver.onAbort(this);
  }
}
