import { EtcdError, type EtcdErrorCode, etcdErrors, grpcStatus } from '@kvorum/api';
import { type Client, ClientError, createClient, type Timers } from '@kvorum/client';
import type { CallInfo, GrpcService, UnaryCall } from '@kvorum/h2';
import { type RecipeEnvironment, RecipeError, Session } from '@kvorum/recipes';
import type { Clock } from '../clock.ts';
import { LoopbackChannel } from '../loopback/loopback-channel.ts';
import type { EndlessStream, OpenStreams } from './open-streams.ts';

export interface CoordinationOptions {
  /** What the recipes are cooked from: keys, leases and watches of this member. */
  readonly methods: GrpcService;
  readonly clock: Clock;
  readonly random: () => number;
  readonly streams: OpenStreams;
  /** How long one call to the member itself may take, in ms. */
  readonly timeoutMs: number;
}

/** Of a lease that is granted for a caller who brings none, in seconds, as in etcd. Nobody renews it. */
const LEASE_SECONDS = 60;
/** Stands for the member itself; nothing is connected to. */
const ownEndpoint = 'loopback:1';
/** Of errors that have no code of their own, in etcd too. */
const UNKNOWN = grpcStatus.unknown;

/** How one method words what its recipe fails with. */
export type Wording = Partial<Record<RecipeError['code'], string>>;

/** A call for which recipes run: a client of its own over the member's own methods, as the caller and no longer. */
export interface Errand {
  /** Keys are those below the name that was asked for, without it. */
  readonly client: Client;
  readonly signal: AbortSignal;
  /** Of the member. */
  readonly environment: RecipeEnvironment;
  /** With the caller's lease, which the caller keeps alive, or one that is granted for it if that is 0n. */
  session(leaseId: bigint): Promise<Session>;
}

/** Runs recipes for the callers of a member. */
export class Coordination {
  readonly #options: CoordinationOptions;

  constructor(options: CoordinationOptions) {
    this.#options = options;
  }

  /**
   * Does something for a caller, below `name`, until it is done, `gone` fires or the member stops. What is given up is
   * cleared away behind the answer. Rejects with `EtcdError`.
   */
  async run<T>(
    call: CallInfo,
    name: Uint8Array,
    gone: AbortSignal,
    wording: Wording,
    errand: (errand: Errand) => Promise<T>,
  ): Promise<T> {
    const { streams } = this.#options;
    const stopped = new AbortController();
    const stopping = Promise.withResolvers<never>();
    const stream: EndlessStream = {
      stop: () => {
        stopping.reject(new EtcdError('stopped'));
        stopped.abort();
      },
    };
    streams.add(stream);
    try {
      const signal = AbortSignal.any([gone, stopped.signal]);
      return await Promise.race([this.#run(call, name, signal, errand), stopping.promise]);
    } catch (error) {
      throw etcdErrorOf(error, wording);
    } finally {
      streams.delete(stream);
    }
  }

  async #run<T>(
    call: CallInfo,
    name: Uint8Array,
    signal: AbortSignal,
    errand: (errand: Errand) => Promise<T>,
  ): Promise<T> {
    const everywhere = this.#clientFor(call);
    const client = everywhere.namespace(name);
    let sweeps: Session['sweeps'] | undefined;
    const session = async (leaseId: bigint) => {
      const opened = await this.#sessionFor(client, leaseId, signal);
      sweeps = opened.sweeps;
      return opened;
    };
    try {
      const environment = this.#environment;
      return await errand({ client, signal, environment, session });
    } finally {
      if (sweeps === undefined || sweeps.size === 0) everywhere.close();
      else void Promise.all(sweeps.values()).then(() => everywhere.close());
    }
  }

  #clientFor(outer: CallInfo): Client {
    const { methods, timeoutMs } = this.#options;
    const { clock } = this.#options;
    const options = { endpoints: [ownEndpoint], timeoutMs };
    return createClient(options, {
      channelFactory: (endpoint) => new LoopbackChannel({ endpoint, methods, outer, clock }),
      timers: clientTimers(clock),
    });
  }

  async #sessionFor(client: Client, leaseId: bigint, signal: AbortSignal): Promise<Session> {
    let lease = leaseId;
    if (lease === 0n) {
      const request = { TTL: BigInt(LEASE_SECONDS) };
      lease = (await client.rpc.lease.leaseGrant(request, { signal })).ID;
    }
    const environment = this.#environment;
    return await Session.open(client, { leaseId: lease, keepAlive: false, signal, environment });
  }

  get #environment(): RecipeEnvironment {
    const { clock, random } = this.#options;
    return { timers: clientTimers(clock), uniqueName: () => random().toString(36) };
  }
}

function clientTimers(clock: Clock): Timers {
  return {
    now: () => clock.nowMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
}

/**
 * What goes out for what a recipe, or the client below it, failed with: the text of etcd's errors, with a status that
 * does not tell them apart, as in etcd, whose services are clients of it too. Bugs are thrown on.
 */
function etcdErrorOf(error: unknown, wording: Wording): unknown {
  if (error instanceof RecipeError) {
    if (error.code === 'aborted') {
      return new EtcdError('unmapped', grpcStatus.canceled, 'context canceled');
    }
    return new EtcdError('unmapped', UNKNOWN, wording[error.code] ?? error.message);
  }
  if (!(error instanceof ClientError)) return error;
  return new EtcdError('unmapped', UNKNOWN, textOf(error));
}

function textOf({ code, failures, message }: ClientError): string {
  if (code in etcdErrors) return etcdErrors[code as EtcdErrorCode].text;
  // What the member said last is why the client's patience came to an end.
  return failures.at(-1)?.message ?? (code === 'timeout' ? etcdErrors.timeout.text : message);
}

/** Fires when the caller of a unary call has gone. */
export function abortSignalOf(call: UnaryCall): AbortSignal {
  const gone = new AbortController();
  call.onAbort(() => gone.abort());
  return gone.signal;
}
