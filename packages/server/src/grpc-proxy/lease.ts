import { etcdErrors, LeaseKeepAliveRequestSchema } from '@kvorum/api';
import type { ClientError } from '@kvorum/client';
import type { GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { ProtoReader } from '../codec/proto-reader.ts';
import { statusOf } from '../rpc/method.ts';
import type { EndlessStream, OpenStreams } from '../rpc/open-streams.ts';
import { type Backend, endOf, tokenOf } from './backend.ts';
import { KeepAliveHub, type RenewalWaiter } from './keep-alive-hub.ts';

const path = '/etcdserverpb.Lease/LeaseKeepAlive';
/** Renewals of a stream that may wait while the members can't be reached; then no more requests are read. */
const MAX_WAITING = 1000;

/** What renewals of leases are made of. */
export interface KeepAliveOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly streams: OpenStreams;
}

/** The hub of those who call with one token, and how many streams they have. */
interface TokenHub {
  readonly hub: KeepAliveHub;
  streams: number;
}

/** LeaseKeepAlive: the renewals of all clients with the same token go over one stream to a member. */
export function keepAliveMethod({
  backend,
  clock,
  streams,
}: KeepAliveOptions): [string, GrpcMethod] {
  const hubs = new Map<string | undefined, TokenHub>();
  const join = (token: string | undefined): [KeepAliveHub, () => void] => {
    let own = hubs.get(token);
    if (own === undefined) {
      const metadata: [string, string][] = token === undefined ? [] : [['token', token]];
      const open = () =>
        backend.rpc.stream(path, LeaseKeepAliveRequestSchema, (bytes) => bytes, { metadata });
      own = { hub: new KeepAliveHub({ open, clock }), streams: 0 };
      hubs.set(token, own);
    }
    const joined = own;
    joined.streams += 1;
    const leave = () => {
      joined.streams -= 1;
      if (joined.streams > 0) return;
      joined.hub.close();
      hubs.delete(token);
    };
    return [joined.hub, leave];
  };
  const open = (call: StreamCall) => {
    const [hub, leave] = join(tokenOf(call));
    return new KeepAliveStream(call, hub, leave, streams);
  };
  return [path, { kind: 'stream', open }];
}

/** One client's stream of renewals. */
class KeepAliveStream implements StreamReceiver, EndlessStream, RenewalWaiter {
  readonly #call: StreamCall;
  readonly #hub: KeepAliveHub;
  readonly #leave: () => void;
  readonly #streams: OpenStreams;
  /** Requests that have not been answered. */
  #waiting = 0;
  #isCongested = false;
  #isHalfClosed = false;
  #isClosed = false;

  constructor(call: StreamCall, hub: KeepAliveHub, leave: () => void, streams: OpenStreams) {
    this.#call = call;
    this.#hub = hub;
    this.#leave = leave;
    this.#streams = streams;
    streams.add(this);
  }

  onMessage(message: Uint8Array): void {
    try {
      const id = leaseIdOf(message);
      this.#waiting += 1;
      if (this.#waiting >= MAX_WAITING) this.#call.pause();
      this.#hub.renew(id, this);
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      this.#end(status, text);
    }
  }

  onHalfClose(): void {
    this.#isHalfClosed = true;
    this.#maybeFinish();
  }

  onDrain(): void {
    this.#isCongested = false;
    this.#maybeResume();
  }

  onAbort(): void {
    this.#close();
  }

  onRenewed(response: Uint8Array): void {
    if (this.#isClosed) return;
    this.#waiting -= 1;
    if (!this.#call.send(response)) {
      this.#isCongested = true;
      this.#call.pause();
    }
    this.#maybeResume();
    this.#maybeFinish();
  }

  onRefused(error: ClientError): void {
    const { status, text } = endOf(error);
    this.#end(status, text);
  }

  stop(): void {
    const { status, text } = etcdErrors.stopped;
    this.#end(status, text);
  }

  #maybeResume(): void {
    if (!this.#isCongested && this.#waiting < MAX_WAITING) this.#call.resume();
  }

  #maybeFinish(): void {
    if (this.#isHalfClosed && this.#waiting <= 0) this.#end();
  }

  #end(status?: number, text?: string): void {
    if (this.#isClosed) return;
    this.#close();
    this.#call.end(status, text);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#streams.delete(this);
    this.#hub.leave(this);
    this.#leave();
  }
}

/** The lease of a LeaseKeepAliveRequest. Throws `ProtoError`. */
function leaseIdOf(message: Uint8Array): bigint {
  const reader = new ProtoReader(message);
  let id = 0n;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) id = reader.int64();
    else reader.skip();
  }
  return id;
}
