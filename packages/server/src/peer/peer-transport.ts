import { CallError, type GrpcMethod, GrpcServer, type Metadata, Status } from '@kvorum/h2';
import type { MemberId, Message } from '@kvorum/raft';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging/logger.ts';
import { formatId } from '../membership/ids.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { PeerSeries } from '../metrics/peer-metrics.ts';
import type { Outbox } from '../node-loop.ts';
import { h2Clock } from '../transport/h2-clock.ts';
import type { Greeting } from './handshake.ts';
import { inboundMethods, type MessageStream } from './inbound.ts';
import { MessageEncoder } from './message-codec.ts';
import { peerLimits } from './outbound-channel.ts';
import { type DialPeer, PeerAddress } from './peer-address.ts';
import type { PeerCalls } from './peer-calls.ts';
import type { PeerHost } from './peer-host.ts';
import { RemotePeer } from './remote-peer.ts';
import { StateReceiver } from './state-receiver.ts';

export interface PeerTransportOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: DialPeer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where this member is to be found. */
  readonly peerUrls: readonly string[];
}

/** A member that can be talked to. */
interface Peer {
  readonly remote: RemotePeer;
  readonly address: PeerAddress;
}

/**
 * Messages between members: everything a turn has for one goes out in one write. Nothing is kept for a member that
 * can't be reached: raft sends again what is needed.
 */
export class PeerTransport implements Outbox, PeerCalls {
  readonly #options: PeerTransportOptions;
  readonly #logger: Logger;
  readonly #peers = new Map<MemberId, Peer>();
  /** Members that the cluster's list doesn't have yet: they were told of at the start, or have spoken first. */
  readonly #guests = new Map<MemberId, readonly string[]>();
  readonly #encoder = new MessageEncoder();
  readonly #inbound = new Set<MessageStream>();
  /** Peers that have messages of this turn. */
  #waiting: RemotePeer[] = [];
  #host: PeerHost | undefined;
  #states: StateReceiver | undefined;
  #server: GrpcServer | undefined;

  constructor(options: PeerTransportOptions) {
    this.#options = options;
    this.#logger = options.logger.named('rafthttp');
  }

  /** Begins to work for a member; `guests` are members that its list doesn't have yet. Called once. */
  attach(host: PeerHost, guests: ReadonlyMap<MemberId, readonly string[]>): void {
    const { clock, metrics } = this.#options;
    this.#host = host;
    for (const [id, urls] of guests) this.#guests.set(id, urls);
    metrics.peers.localId = formatId(host.memberId);
    const states = new StateReceiver({
      host,
      clock,
      logger: this.#logger,
      onEnd: (from, isWhole, tookMs) => this.#countState(from, isWhole, tookMs),
    });
    this.#states = states;
    const methods: Map<string, GrpcMethod> = inboundMethods({
      host,
      states,
      logger: this.#logger,
      series: (id) => this.#series(id),
      onGreeting: (greeting) => this.#onGreeting(greeting),
      onProposal: (from) => this.#peers.get(from)?.remote.proposed(),
      open: this.#inbound,
    });
    this.#server = new GrpcServer({
      methods,
      clock: h2Clock(clock),
      limits: peerLimits,
      onError: (error, peer) =>
        this.#logger.debug('a connection of another member was closed', {
          error,
          'remote-addr': peer,
        }),
    });
    this.membershipChanged();
  }

  /** Serves a connection of another member; `firstBytes` were read from it. */
  accept(stream: Parameters<GrpcServer['accept']>[0], firstBytes?: Uint8Array): void {
    if (this.#server === undefined) stream.destroy();
    else this.#server.accept(stream, firstBytes);
  }

  send(message: Message): void {
    const remote = this.#peers.get(message.to)?.remote;
    if (remote === undefined) {
      if (message.type === 'MsgSnap') this.#host?.reportSnapshot(message.to, 'failure');
      return;
    }
    if (message.type === 'MsgSnap') {
      void remote.sendState(message);
      return;
    }
    if (remote.add(message)) this.#enqueue(remote);
  }

  /** Members came, went, or moved. */
  membershipChanged(): void {
    const host = this.#host;
    if (host === undefined) return;
    const wanted = new Map(this.#guests);
    for (const { id, peerUrls } of host.members()) {
      wanted.set(id, peerUrls);
      this.#guests.delete(id);
    }
    wanted.delete(host.memberId);
    for (const [id, { remote }] of this.#peers) {
      if (wanted.has(id) && !host.isRemoved(id)) continue;
      this.#peers.delete(id);
      this.#guests.delete(id);
      remote.close();
      this.#logger.info('stopped the connections to a former member', { 'peer-id': formatId(id) });
    }
    for (const [id, urls] of wanted) {
      if (!host.isRemoved(id)) this.#reach(host, id, urls);
    }
    for (const stream of [...this.#inbound]) stream.endIfRemoved();
  }

  call(id: MemberId, path: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const remote = this.#peers.get(id)?.remote;
    if (remote !== undefined) return remote.call(path, request, timeoutMs);
    return Promise.reject(unreachable(id));
  }

  /** How long a member has listened without a break, in ms; undefined when it doesn't. */
  activeForMs(id: MemberId): number | undefined {
    return this.#peers.get(id)?.remote.activeForMs;
  }

  /** Sends what waits, and ends all connections. */
  async close(): Promise<void> {
    this.#flush();
    await this.#states?.close();
    for (const { remote } of this.#peers.values()) remote.close();
    this.#peers.clear();
    this.#server?.close();
    this.#host = undefined;
  }

  readonly #enqueue = (remote: RemotePeer): void => {
    if (this.#waiting.length === 0) this.#options.clock.endOfTurn(this.#flush);
    if (!this.#waiting.includes(remote)) this.#waiting.push(remote);
  };

  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    // Whose callers wait is served first.
    if (waiting.length > 1) waiting.sort((a, b) => b.proposedAtMs - a.proposedAtMs);
    for (const remote of waiting) remote.flush();
    this.#encoder.clear();
  };

  #reach(host: PeerHost, id: MemberId, urls: readonly string[]): void {
    const known = this.#peers.get(id);
    if (known !== undefined) {
      known.address.set(urls);
      return;
    }
    const { clock, random, dial, peerUrls } = this.#options;
    const address = new PeerAddress();
    address.set(urls);
    const greeting = () => ({
      clusterId: host.clusterId,
      from: host.memberId,
      to: id,
      peerUrls,
    });
    const series = this.#series(id);
    series.isKnown = 1;
    const remote = new RemotePeer({
      id,
      host,
      address,
      dial,
      link: { clock, random, greeting },
      encoder: this.#encoder,
      series,
      logger: this.#logger,
      onRefused: this.#onRefused,
      onDue: this.#enqueue,
    });
    this.#peers.set(id, { remote, address });
    remote.open();
  }

  /** A process that has ended leaves no connection open; one that only stopped to listen does. */
  readonly #onRefused = (id: MemberId): void => {
    const isConnected = [...this.#inbound].some(({ from }) => from === id);
    if (!isConnected) this.#host?.reportGone(id);
  };

  /** A member that is not on the list yet says where it is, so that it can be answered. */
  #onGreeting({ from, peerUrls }: Greeting): void {
    if (this.#peers.has(from) || this.#host === undefined) return;
    this.#guests.set(from, peerUrls);
    this.#reach(this.#host, from, peerUrls);
  }

  #series(id: MemberId): PeerSeries {
    return this.#options.metrics.peers.peer(formatId(id));
  }

  #countState(from: MemberId, isWhole: boolean, tookMs: number): void {
    const series = this.#series(from);
    if (isWhole) series.snapshotsReceived += 1;
    else series.snapshotReceiveFailures += 1;
    series.snapshotReceiveSeconds.observe(tookMs / 1000);
  }
}

function unreachable(id: MemberId): CallError {
  const message = `no way to member ${formatId(id)}`;
  const status = Status.unavailable;
  return new CallError({
    status,
    message,
    details: undefined,
    metadata: noMetadata,
    isUnprocessed: true,
  });
}

const noMetadata: Metadata = {
  get: () => undefined,
  getAll: () => [],
  getBinary: () => undefined,
  entries: () => [],
};
