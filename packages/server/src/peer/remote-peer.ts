import type { Duplex } from 'node:stream';
import type { CallStatus } from '@kvorum/h2';
import type { MemberId, Message } from '@kvorum/raft';
import type { Logger } from '../logging/logger.ts';
import { formatId } from '../membership/ids.ts';
import type { PeerSeries } from '../metrics/peer-metrics.ts';
import { refusals } from './handshake.ts';
import type { MessageEncoder } from './message-codec.ts';
import { type ChannelOwner, OutboundChannel } from './outbound-channel.ts';
import type { DialPeer, PeerAddress } from './peer-address.ts';
import type { PeerHost } from './peer-host.ts';
import type { PeerLink } from './peer-link.ts';
import { encodePing, isPing, pingTime } from './ping.ts';
import { StateSender } from './state-sender.ts';

export const CONTROL_PATH = '/kvorum.Peer/Control';
export const LOG_PATH = '/kvorum.Peer/Log';

export interface RemotePeerOptions {
  readonly id: MemberId;
  readonly host: PeerHost;
  readonly address: PeerAddress;
  readonly dial: DialPeer;
  readonly link: Omit<PeerLink, 'dial'>;
  readonly encoder: MessageEncoder;
  readonly series: PeerSeries;
  readonly logger: Logger;
  /** Nobody listens where the other member is to be found. */
  readonly onRefused: (id: MemberId) => void;
  /** What was held back is to leave this turn. */
  readonly onDue: (peer: RemotePeer) => void;
}

/** A batch is cut where it gets larger: others have their turn on the line. */
const MAX_BATCH_BYTES = 1024 * 1024;
/**
 * How long a message waits that nobody waits for, in ms: the news of what is committed, and an acknowledgement that
 * repeats one. It leaves with whatever leaves first, often the next entries or their acknowledgement.
 */
export const HOLD_BACK_MS = 3;
/** A member that has passed on a proposal has callers, who wait for the news, for so long after it. */
const CALLERS_MS = 1000;
/** Reasons that are told of one outage; some differ in a detail each time. */
const MAX_REASONS = 8;
/** Between two measurements of the round trip; each is a few bytes. */
const PING_EVERY_MS = 1000;

/**
 * The way to one other member: a stream for what keeps a cluster alive (heartbeats, votes, reads), another for entries,
 * and one for each state. All that a turn has for it leaves in one write for each stream.
 */
export class RemotePeer implements ChannelOwner {
  readonly id: MemberId;
  readonly #options: RemotePeerOptions;
  readonly #link: PeerLink;
  readonly #control: OutboundChannel;
  readonly #log: OutboundChannel;
  #controlBatch: Message[] = [];
  #logBatch: Message[] = [];
  #sender: StateSender | undefined;
  #stopPings: (() => void) | undefined;
  /** When it was found to listen, for as long as it does. */
  #activeSinceMs: number | undefined;
  /** Why it could not be reached since it was last: each reason is told once. */
  readonly #told = new Set<string>();
  /** Something is held back, and a timer runs for it. */
  #isHolding = false;
  #stopHolding: (() => void) | undefined;
  /** The last acknowledgement that was put on the batch. */
  #ackTerm = 0;
  #ackIndex = 0;
  #proposedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RemotePeerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#link = {
      ...options.link,
      dial: () => this.#dial(),
      onFailure: (error) => this.#warnOf(error.message),
    };
    this.#control = new OutboundChannel(CONTROL_PATH, this.#link, this);
    this.#log = new OutboundChannel(LOG_PATH, this.#link, this);
  }

  open(): void {
    this.#control.open();
    this.#log.open();
    this.#stopPings = this.#link.clock.every(PING_EVERY_MS, () => {
      const { clock } = this.#link;
      this.#control.send(encodePing(clock.nowMs()), 0);
    });
  }

  /** How long it has listened without a break, in ms; undefined when it doesn't. */
  get activeForMs(): number | undefined {
    const since = this.#activeSinceMs;
    return since === undefined ? undefined : this.#link.clock.nowMs() - since;
  }

  /** One question with one answer. Rejects with `CallError`. */
  call(path: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return this.#control.call(path, request, timeoutMs);
  }

  /** When it passed on a proposal last; by the member's clock. */
  get proposedAtMs(): number {
    return this.#proposedAtMs;
  }

  /** It has passed on a proposal: callers of it wait. */
  proposed(): void {
    this.#proposedAtMs = this.#link.clock.nowMs();
  }

  /** Puts a message on its batch, which leaves with `flush`. Returns whether that's due this turn. */
  add(message: Message): boolean {
    if (isControl(message)) {
      this.#controlBatch.push(message);
      return true;
    }
    if (!absorbed(this.#logBatch, message)) this.#logBatch.push(message);
    if (!this.#canWait(message)) return true;
    this.#holdBack();
    return false;
  }

  flush(): void {
    // What keeps the cluster alive goes first.
    if (this.#controlBatch.length > 0) {
      const batch = this.#controlBatch;
      this.#controlBatch = [];
      if (!this.#send(this.#control, batch)) this.#options.series.sentFailures += batch.length;
    }
    if (this.#logBatch.length === 0) return;
    const batch = this.#logBatch;
    this.#logBatch = [];
    if (this.#send(this.#log, batch)) return;
    this.#options.series.sentFailures += batch.length;
    this.#options.host.reportUnreachable(this.id);
  }

  /** Sends the state that raft wants the other to have; what becomes of it is told to the host. */
  async sendState(message: Message): Promise<void> {
    const { host, series, logger } = this.#options;
    const { clock } = this.#link;
    if (!this.#log.isUp || this.#sender !== undefined) {
      host.reportSnapshot(this.id, 'failure');
      return;
    }
    const sender = new StateSender(this.#link);
    this.#sender = sender;
    const startMs = clock.nowMs();
    series.snapshotSendsInFlight += 1;
    const { metadata, chunks } = host.stateToSend();
    const fields = { to: formatId(this.id), index: metadata.index };
    logger.info('sending a state', fields);
    let isSent = false;
    try {
      isSent = await sender.send(message.term, metadata, chunks);
    } catch (error) {
      host.onFailure(error);
    }
    this.#sender = undefined;
    series.snapshotSendsInFlight -= 1;
    series.sentBytes += sender.bytesSent;
    if (isSent) series.snapshotsSent += 1;
    else series.snapshotSendFailures += 1;
    series.snapshotSendSeconds.observe((clock.nowMs() - startMs) / 1000);
    logger.info(isSent ? 'sent a state' : 'a state could not be sent', fields);
    host.reportSnapshot(this.id, isSent ? 'finish' : 'failure');
  }

  close(): void {
    this.#stopPings?.();
    this.#stopHolding?.();
    this.#control.close();
    this.#log.close();
    this.#sender?.close();
    this.#options.series.isActive = 0;
    this.#options.series.isKnown = 0;
  }

  onUp(_channel: OutboundChannel): void {
    if (!this.#control.isUp || !this.#log.isUp) return;
    this.#activeSinceMs = this.#link.clock.nowMs();
    this.#options.series.isActive = 1;
    this.#told.clear();
    this.#options.logger.info('peer became active', { 'peer-id': formatId(this.id) });
  }

  onDown(channel: OutboundChannel, status: CallStatus): void {
    const { series, logger, host } = this.#options;
    if (this.#activeSinceMs !== undefined) {
      this.#activeSinceMs = undefined;
      series.isActive = 0;
      series.disconnects += 1;
      this.#told.add(status.message);
      logger.warn('peer became inactive (message send to peer failed)', {
        'peer-id': formatId(this.id),
        error: status.message,
      });
    } else {
      this.#warnOf(status.message);
    }
    if (channel === this.#log) host.reportUnreachable(this.id);
    const { removedMember } = refusals;
    if (status.status === removedMember.status && status.message === removedMember.text) {
      host.onRemoved();
    }
  }

  onAnswer(message: Uint8Array): void {
    if (!isPing(message)) return;
    const seconds = (this.#link.clock.nowMs() - pingTime(message)) / 1000;
    this.#options.series.roundTripSeconds.observe(seconds);
    this.#options.series.roundTrips.observe(seconds * 1000);
  }

  /** Says why the other one can't be reached, unless that's no news. */
  #warnOf(error: string): void {
    if (this.#told.has(error) || this.#told.size >= MAX_REASONS) return;
    this.#told.add(error);
    this.#options.logger.warn('failed to reach the peer', {
      'peer-id': formatId(this.id),
      error,
    });
  }

  async #dial(): Promise<Duplex> {
    const { address, dial, onRefused } = this.#options;
    try {
      return await address.dial(dial);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') onRefused(this.id);
      throw error;
    }
  }

  #canWait(message: Message): boolean {
    const { type, term, index, reject, entries } = message;
    if (type === 'MsgApp') {
      if (entries.length > 0) return false;
      return this.#link.clock.nowMs() - this.#proposedAtMs > CALLERS_MS;
    }
    if (type !== 'MsgAppResp' || reject) return false;
    const isKnown = term === this.#ackTerm && index <= this.#ackIndex;
    this.#ackTerm = term;
    this.#ackIndex = index;
    return isKnown;
  }

  #holdBack(): void {
    if (this.#isHolding) return;
    this.#isHolding = true;
    this.#stopHolding = this.#link.clock.after(HOLD_BACK_MS, () => {
      this.#isHolding = false;
      if (this.#logBatch.length > 0) this.#options.onDue(this);
    });
  }

  /** False when something of the batch was dropped. */
  #send(channel: OutboundChannel, batch: readonly Message[]): boolean {
    if (!channel.isUp) return false;
    const { encoder, host, series } = this.#options;
    let isWhole = true;
    for (const part of parts(batch)) {
      const pieces = encoder.encode(part, host.memberId);
      let bytes = 0;
      for (const piece of pieces) bytes += piece.length;
      if (channel.send(pieces, bytes)) series.sentBytes += bytes;
      else isWhole = false;
    }
    return isWhole;
  }
}

/** The batch as a whole, or cut into parts that are not much larger than they may be. */
function parts(batch: readonly Message[]): readonly (readonly Message[])[] {
  let bytes = 0;
  let start = 0;
  const cut: Message[][] = [];
  for (let i = 0; i < batch.length; i++) {
    const { entries } = batch[i] as Message;
    for (let j = 0; j < entries.length; j++) bytes += entries[j]?.data.length ?? 0;
    if (bytes < MAX_BATCH_BYTES) continue;
    cut.push(batch.slice(start, i + 1));
    start = i + 1;
    bytes = 0;
  }
  if (cut.length === 0) return [batch];
  if (start < batch.length) cut.push(batch.slice(start));
  return cut;
}

/** What must not wait behind entries. */
function isControl({ type }: Message): boolean {
  return type !== 'MsgApp' && type !== 'MsgAppResp' && type !== 'MsgProp';
}

/**
 * Whether a message made the last of its batch superfluous and took its place: a later acknowledgement says all that an
 * earlier one does, and entries bring the commit index that an empty message was to bring.
 */
function absorbed(batch: Message[], message: Message): boolean {
  const last = batch[batch.length - 1];
  if (last === undefined || last.type !== message.type || last.term !== message.term) return false;
  if (last.from !== message.from || last.reject || message.reject) return false;
  const isCovered =
    message.type === 'MsgAppResp'
      ? last.index <= message.index
      : message.type === 'MsgApp' && last.entries.length === 0 && last.index === message.index;
  if (isCovered) batch[batch.length - 1] = message;
  return isCovered;
}
