import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  etcdErrors,
  grpcStatus,
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from '@kvorum/api';
import {
  CallFailure,
  type Channel,
  type ChannelCallOptions,
  type ChannelReceiver,
  type ChannelStream,
  type ClientEnvironment,
  type Endpoint,
} from '@kvorum/client';
import type { SimStore } from './store.ts';
import type { Actor, World } from './world.ts';

/** Share of calls, and of messages on streams, whose connection breaks. */
const breakShare = 0.01;
/** How long a message is on its way, in ms, and how long a lost connection goes unnoticed. */
const delaysMs = [1, 40] as const;
const unnoticedMs = [10, 3000] as const;

/** A process with a client in it, and its connections to the store: slow, and sometimes broken. */
export class SimProcess implements Actor {
  #stillUntil = 0;
  /** Nothing it sends arrives before, nor is it told anything; in ms. */
  #cutUntil = 0;
  readonly environment: ClientEnvironment;
  readonly #world: World;
  readonly #store: SimStore;

  constructor(world: World, store: SimStore) {
    this.#world = world;
    this.#store = store;
    this.environment = {
      channelFactory: (endpoint) => this.#channel(endpoint),
      timers: {
        now: () => world.nowMs,
        after: (delayMs, callback) => world.after(delayMs, callback, this),
      },
    };
  }

  get stillUntil(): number {
    return this.#stillUntil;
  }

  /** Until then at least. A shorter time would let what comes later overtake what has been put off for longer. */
  holdStill(untilMs: number): void {
    this.#stillUntil = Math.max(this.#stillUntil, untilMs);
  }

  /** Until then at least. */
  cut(untilMs: number): void {
    this.#cutUntil = Math.max(this.#cutUntil, untilMs);
  }

  /** Resolves after so many ms, or when it goes on after that. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.after(delayMs, resolve, this);
    });
  }

  get #isBroken(): boolean {
    return this.#world.nowMs < this.#cutUntil || this.#world.prng.chance(breakShare);
  }

  #delay(): number {
    return this.#world.prng.between(...delaysMs);
  }

  #channel(endpoint: Endpoint): Channel {
    return {
      endpoint,
      state: 'ready',
      unary: (path, request, options) => this.#unary(path, request, options),
      stream: (path, receiver, options) => this.#stream(path, receiver, options),
      retire: () => {},
      close: () => {},
    };
  }

  #unary(path: string, request: Uint8Array, options: ChannelCallOptions): Promise<Uint8Array> {
    const { timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      const fail = (status: number) => reject(new CallFailure(status, 'gone', false));
      if (signal?.aborted === true) return fail(grpcStatus.canceled);
      signal?.addEventListener('abort', () => fail(grpcStatus.canceled), { once: true });
      if (timeoutMs !== undefined) {
        this.#world.after(timeoutMs, () => fail(grpcStatus.deadlineExceeded), this);
      }
      const lose = () => {
        const patience = this.#world.prng.between(...unnoticedMs);
        this.#world.after(patience, () => fail(grpcStatus.unavailable), this);
      };
      if (this.#isBroken) return lose();
      this.#world.after(this.#delay(), () => {
        try {
          const answer = serve(this.#store, path, request);
          // Carried out, and the answer is lost.
          if (this.#isBroken) lose();
          else this.#world.after(this.#delay(), () => resolve(answer), this);
        } catch (error) {
          this.#world.after(this.#delay(), () => reject(error), this);
        }
      });
    });
  }

  #stream(path: string, receiver: ChannelReceiver, options: ChannelCallOptions): ChannelStream {
    let isOpen = true;
    /** What has a fault loses all that comes after, as a connection does. */
    let isLost = false;
    let sentAt = 0;
    let toldAt = 0;
    const endings: (() => void)[] = [];
    const world = this.#world;
    const end = () => {
      isOpen = false;
      for (const ending of endings) ending();
    };
    const lose = () => {
      if (isLost) return;
      isLost = true;
      const failure = new CallFailure(grpcStatus.unavailable, 'the connection is lost', false);
      const patience = world.prng.between(...unnoticedMs);
      world.after(
        patience,
        () => {
          if (!isOpen) return;
          end();
          receiver.onEnd(failure);
        },
        this,
      );
    };
    const tell = (message: Uint8Array) => {
      if (!isOpen || isLost) return;
      if (this.#isBroken) return lose();
      toldAt = Math.max(toldAt, world.nowMs + this.#delay());
      world.after(
        toldAt - world.nowMs,
        () => {
          if (isOpen) receiver.onMessage(message);
        },
        this,
      );
    };
    const member = path.endsWith('/Watch')
      ? watchMember(this.#store, tell, (ending) => endings.push(ending))
      : keepAliveMember(this.#store, tell);
    options.signal?.addEventListener('abort', end, { once: true });
    return {
      send: (message) => {
        if (!isOpen || isLost) return;
        if (this.#isBroken) return lose();
        sentAt = Math.max(sentAt, world.nowMs + this.#delay());
        world.after(sentAt - world.nowMs, () => {
          if (isOpen && !isLost) member(message);
        });
      },
      halfClose: () => {},
      cancel: end,
      pause: () => {},
      resume: () => {},
    };
  }
}

function bytes<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

function serve(store: SimStore, path: string, request: Uint8Array): Uint8Array {
  switch (path.slice(path.lastIndexOf('/') + 1)) {
    case 'Range':
      return bytes(RangeResponseSchema, store.range(fromBinary(RangeRequestSchema, request)));
    case 'Txn': {
      const txn = fromBinary(TxnRequestSchema, request);
      const steps = [...txn.success, ...txn.failure];
      for (const { request: step } of steps) {
        if (step.case === 'requestPut') checkLease(store, step.value.lease);
      }
      return bytes(TxnResponseSchema, store.txn(txn));
    }
    case 'Put': {
      const put = fromBinary(PutRequestSchema, request);
      checkLease(store, put.lease);
      return bytes(PutResponseSchema, store.put(put));
    }
    case 'DeleteRange': {
      const deletion = fromBinary(DeleteRangeRequestSchema, request);
      return bytes(DeleteRangeResponseSchema, store.delete(deletion));
    }
    case 'LeaseGrant': {
      const { TTL } = fromBinary(LeaseGrantRequestSchema, request);
      return bytes(LeaseGrantResponseSchema, { ID: store.grant(TTL), TTL });
    }
    case 'LeaseRevoke': {
      if (!store.revoke(fromBinary(LeaseRevokeRequestSchema, request).ID)) throw noLease();
      return bytes(LeaseRevokeResponseSchema, {});
    }
    default:
      throw new Error(`the naive store has no ${path}`);
  }
}

function checkLease(store: SimStore, id: bigint): void {
  if (!store.hasLease(id)) throw noLease();
}

function noLease(): CallFailure {
  const { status, text } = etcdErrors.leaseNotFound;
  return new CallFailure(status, text, false);
}

function keepAliveMember(store: SimStore, tell: (message: Uint8Array) => void) {
  return (message: Uint8Array) => {
    const { ID } = fromBinary(LeaseKeepAliveRequestSchema, message);
    tell(bytes(LeaseKeepAliveResponseSchema, { ID, TTL: store.renew(ID) }));
  };
}

function watchMember(
  store: SimStore,
  tell: (message: Uint8Array) => void,
  onEnd: (ending: () => void) => void,
) {
  const watches = new Map<bigint, () => void>();
  onEnd(() => {
    for (const cancel of watches.values()) cancel();
  });
  return (message: Uint8Array) => {
    const { requestUnion } = fromBinary(WatchRequestSchema, message);
    if (requestUnion.case === 'createRequest') {
      const { watchId: id } = requestUnion.value;
      const send = (answer: MessageInitShape<typeof WatchResponseSchema>) =>
        tell(bytes(WatchResponseSchema, answer));
      watches.set(id, store.watch(requestUnion.value, id, send));
    } else if (requestUnion.case === 'cancelRequest') {
      const { watchId } = requestUnion.value;
      watches.get(watchId)?.();
      watches.delete(watchId);
      tell(bytes(WatchResponseSchema, { watchId, canceled: true }));
    } else {
      const header = { revision: store.revision };
      tell(bytes(WatchResponseSchema, { header, watchId: -1n }));
    }
  };
}
