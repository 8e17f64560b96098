import type { AbortReason, GrpcMethod, StreamCall, StreamReceiver, UnaryCall } from '@kvorum/h2';
import { Status } from '@kvorum/h2';
import type { MemberId } from '@kvorum/raft';
import { ProtoError } from '../codec/proto-reader.ts';
import type { Logger } from '../logging/logger.ts';
import { formatId } from '../membership/ids.ts';
import type { PeerSeries } from '../metrics/peer-metrics.ts';
import { unaryAsync } from '../rpc/method.ts';
import {
  checkGreeting,
  type Greeted,
  type Greeting,
  isRefusal,
  type Refusal,
  refusals,
} from './handshake.ts';
import { decodeMessages } from './message-codec.ts';
import type { PeerHost } from './peer-host.ts';
import { isPing } from './ping.ts';
import { CONTROL_PATH, LOG_PATH } from './remote-peer.ts';
import { STATE_FIELD } from './state-header.ts';
import type { StateReceiver } from './state-receiver.ts';
import { STATE_PATH } from './state-sender.ts';

export interface InboundOptions {
  readonly host: PeerHost;
  readonly states: StateReceiver;
  readonly logger: Logger;
  readonly series: (id: MemberId) => PeerSeries;
  /** A member was let in. */
  readonly onGreeting: (greeting: Greeting) => void;
  /** A member has passed on a proposal, which is handed in next. */
  readonly onProposal: (from: MemberId) => void;
  /** Streams of messages that are open now. */
  readonly open: Set<MessageStream>;
}

const WELCOME = Buffer.from([1]);

/** What other members call on this one. */
export function inboundMethods(options: InboundOptions): Map<string, GrpcMethod> {
  const { host } = options;
  const self: Greeted = {
    clusterId: host.clusterId,
    memberId: host.memberId,
    isMember: (id) => host.members().some((member) => member.id === id),
    isRemoved: (id) => host.isRemoved(id),
  };
  const open =
    (accept: (call: StreamCall, from: MemberId) => StreamReceiver) =>
    (call: StreamCall): StreamReceiver => {
      const greeting = checkGreeting(call.metadata, self);
      if (isRefusal(greeting)) return refuse(options, call, greeting);
      options.onGreeting(greeting);
      return accept(call, greeting.from);
    };
  const messages = open((call, from) => new MessageStream(options, call, from));
  const states = open((call, from) =>
    options.states.open(call, from, call.metadata.get(STATE_FIELD) ?? ''),
  );
  const asked = [...host.methods].map(([path, method]): [string, GrpcMethod] => {
    const unary = unaryAsync(method);
    const handle = (request: Uint8Array, call: UnaryCall) => {
      const greeting = checkGreeting(call.metadata, self);
      if (isRefusal(greeting)) call.fail(greeting.status, greeting.text);
      else unary.handle(request, call);
    };
    return [path, { kind: 'unary', handle }];
  });
  return new Map<string, GrpcMethod>([
    ...asked,
    [CONTROL_PATH, { kind: 'stream', open: messages }],
    [LOG_PATH, { kind: 'stream', open: messages }],
    [STATE_PATH, { kind: 'stream', open: states }],
  ]);
}

function refuse({ logger }: InboundOptions, call: StreamCall, refusal: Refusal): StreamReceiver {
  logger.warn('refused a stream of another member', {
    'remote-peer': call.peer,
    'remote-peer-id': call.metadata.get('x-server-from') ?? '',
    'remote-cluster-id': call.metadata.get('x-etcd-cluster-id') ?? '',
    error: refusal.text,
  });
  call.end(refusal.status, refusal.text);
  return deaf;
}

const deaf: StreamReceiver = { onMessage() {}, onHalfClose() {}, onAbort() {} };

/** Batches of one other member. */
export class MessageStream implements StreamReceiver {
  readonly #options: InboundOptions;
  readonly #call: StreamCall;
  readonly from: MemberId;
  readonly #series: PeerSeries;

  constructor(options: InboundOptions, call: StreamCall, from: MemberId) {
    this.#options = options;
    this.#call = call;
    this.from = from;
    this.#series = options.series(from);
    options.open.add(this);
    call.send(WELCOME);
  }

  onMessage(bytes: Uint8Array): void {
    this.#series.receivedBytes += bytes.length;
    if (isPing(bytes)) {
      this.#call.send(bytes);
      return;
    }
    const { host, logger, onProposal } = this.#options;
    try {
      const messages = decodeMessages(bytes, this.from, host.memberId);
      for (const message of messages) {
        if (message.type === 'MsgProp') onProposal(this.from);
        host.step(message);
      }
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error;
      this.#series.receivedFailures += 1;
      logger.warn('a message of another member could not be read', {
        'remote-peer-id': formatId(this.from),
        error,
      });
      this.#end(Status.invalidArgument, error.message);
    }
  }

  /** Ends it if its member was removed, which is how that one hears of it. */
  endIfRemoved(): void {
    const { host } = this.#options;
    if (!host.isRemoved(this.from)) return;
    const { status, text } = refusals.removedMember;
    this.#end(status, text);
  }

  onHalfClose(): void {
    this.#end(Status.ok, '');
  }

  onAbort(_reason: AbortReason): void {
    this.#options.open.delete(this);
    this.#series.receivedFailures += 1;
  }

  #end(status: number, text: string): void {
    this.#options.open.delete(this);
    this.#call.end(status, text);
  }
}
