import {
  type CallStatus,
  type ClientStream,
  GrpcClient,
  type Limits,
  type Message,
  Status,
} from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { h2Clock } from '../transport/h2-clock.ts';
import { greetingFields } from './handshake.ts';
import type { PeerLink } from './peer-link.ts';

/** What a channel tells its owner. */
export interface ChannelOwner {
  /** The other member listens. */
  onUp(channel: OutboundChannel): void;
  /** It doesn't any more; what was sent last may be lost. */
  onDown(channel: OutboundChannel, status: CallStatus): void;
  /** It has said something. */
  onAnswer(message: Uint8Array): void;
}

const MiB = 1024 * 1024;

/** Between two attempts to reach a member, growing: one that restarts is found within half a second. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 500;
/** Nothing was refused by mistake, and asking again sooner helps nobody. */
const WAIT_AFTER_REFUSAL_MS = 1000;

/** etcd's limit on a message between members. */
export const MAX_PEER_MESSAGE_BYTES = 512 * MiB;
/** What may wait for a slow member on a channel: more is dropped, and sent again when it is known to be needed. */
const MAX_WAITING_BYTES = 64 * MiB;

/** A member that is silent for so long, and doesn't answer when asked, is gone: 5 s together, as in etcd. */
const SILENCE_MS = 3000;
const ANSWER_MS = 2000;

export const peerLimits: Partial<Limits> = {
  maxReceiveMessageBytes: MAX_PEER_MESSAGE_BYTES,
  maxReceiveBufferBytes: 2 * MAX_PEER_MESSAGE_BYTES,
  maxServerBufferBytes: 4 * MAX_PEER_MESSAGE_BYTES,
  streamWindowBytes: 4 * MiB,
  // What a turn says leaves before the log is synced, with which the next one may begin.
  gatherBytes: 0,
  streamSendHighWaterBytes: 1 * MiB,
  maxStreamSendBytes: 2 * MAX_WAITING_BYTES,
  connectionSendHighWaterBytes: 2 * MAX_WAITING_BYTES,
  sendStallTimeoutMs: SILENCE_MS + ANSWER_MS,
  pingMinIntervalMs: 0,
  keepaliveIntervalMs: SILENCE_MS,
  keepaliveTimeoutMs: ANSWER_MS,
};

/** A client on a connection of its own to one other member. */
export function peerClient(link: PeerLink): GrpcClient {
  return new GrpcClient({
    dial: link.dial,
    authority: 'kvorum-peer',
    clock: h2Clock(link.clock),
    random: link.random,
    limits: peerLimits,
    backoff: { initialMs: FIRST_WAIT_MS, maxMs: LONGEST_WAIT_MS },
    onStateChange: (state, error) => {
      if (state === 'waiting' && error !== undefined) link.onFailure?.(error);
    },
  });
}

/**
 * One long-lived stream to one other member, on a connection of its own, so that what waits on it delays no other. It
 * is opened again whenever it ends, and takes messages only while the other member is known to listen.
 */
export class OutboundChannel {
  readonly path: string;
  readonly #link: PeerLink;
  readonly #owner: ChannelOwner;
  readonly #clock: Clock;
  readonly #client: GrpcClient;
  #stream: ClientStream | undefined;
  #isUp = false;
  #isClosed = false;
  /** Bytes handed to the stream since it said that it has enough. */
  #waitingBytes = 0;
  #isFull = false;
  #waitMs = FIRST_WAIT_MS;
  #stopTimer: (() => void) | undefined;

  constructor(path: string, link: PeerLink, owner: ChannelOwner) {
    this.path = path;
    this.#link = link;
    this.#owner = owner;
    this.#clock = link.clock;
    this.#client = peerClient(link);
  }

  /** The other member listens. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Opens the stream, and again when it ends. */
  open(): void {
    if (this.#isClosed) return;
    this.#isFull = false;
    this.#waitingBytes = 0;
    this.#stream = this.#client.stream(
      this.path,
      {
        onMessage: (message) => this.#onMessage(message),
        onDrain: () => {
          this.#isFull = false;
          this.#waitingBytes = 0;
        },
        onEnd: (status) => this.#onEnd(status),
      },
      { metadata: greetingFields(this.#link.greeting()), waitForReady: true },
    );
  }

  /** False, and the message is dropped, when nobody listens or too much waits already. */
  send(message: Message, bytes: number): boolean {
    const stream = this.#stream;
    if (!this.#isUp || stream === undefined) return false;
    if (this.#isFull) {
      if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return false;
      this.#waitingBytes += bytes;
    }
    if (!stream.send(message)) this.#isFull = true;
    return true;
  }

  /** One question with one answer, on the same connection. Rejects with `CallError`. */
  call(path: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const metadata = greetingFields(this.#link.greeting());
    return this.#client.unary(path, request, { metadata, timeoutMs });
  }

  close(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#stopTimer?.();
    this.#client.close();
  }

  #onMessage(message: Uint8Array): void {
    if (this.#isUp) {
      this.#owner.onAnswer(message);
      return;
    }
    // The first message is the other's word that it listens.
    this.#isUp = true;
    this.#waitMs = FIRST_WAIT_MS;
    this.#owner.onUp(this);
  }

  #onEnd(status: CallStatus): void {
    this.#stream = undefined;
    this.#isUp = false;
    if (this.#isClosed) return;
    this.#owner.onDown(this, status);
    const isRefusal = status.status !== Status.unavailable && status.status !== Status.cancelled;
    const waitMs = isRefusal ? WAIT_AFTER_REFUSAL_MS : this.#waitMs;
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    this.#stopTimer = this.#clock.after(waitMs, () => this.open());
  }
}
