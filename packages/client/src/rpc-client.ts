import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { Auth, Cluster, Election, KV, Lease, Lock, Maintenance, Watch } from '@kvorum/api';
import type { CallOptions } from './call-options.ts';
import { CallStream, type MessageStream } from './call-stream.ts';
import { Caller, type TokenSource } from './caller.ts';
import type { ChannelFactory } from './channel.ts';
import { Balancer } from './endpoints/balancer.ts';
import type { Discover } from './endpoints/discovery.ts';
import { leaderHints } from './endpoints/leader-status.ts';
import { RevisionOrder } from './endpoints/revision-order.ts';
import type { Interceptor } from './interceptors/interceptor.ts';
import { interceptBytes, interceptReading, type ServiceClient, serviceClient } from './service.ts';
import type { Timers } from './timers.ts';
import { type Credentials, passwordToken } from './tokens/password-token.ts';
import { RenewedTokens } from './tokens/renewed-tokens.ts';

/** What every client is told, wherever it runs. */
export interface ClientOptions {
  /**
   * Members' client addresses, at least one: `host:port`, `http://…`, `https://…`, `unix://path`; or `dns+srv://domain`,
   * whose SRV records name them (`?name=suffix` for one of several clusters), those with TLS where there are any. Calls
   * take turns, and go to the next when one cannot be reached. One that failed is asked last for a while.
   */
  readonly endpoints: readonly string[];
  /** How long a unary call may take, in ms, with all its attempts. Default 30,000; 0: for ever. */
  readonly timeoutMs?: number;
  /**
   * A read without an answer for so long is sent to another endpoint besides, in ms, and the first answer counts. In
   * Node the connection of any call that waits for so long has to give a sign of life within 5 s. Default 2,000; 0:
   * never.
   */
  readonly hedgeAfterMs?: number;
  /** A user of the server, where authentication is enabled. */
  readonly credentials?: Credentials;
  /**
   * A token that was got elsewhere, such as a JWT, instead of `credentials`; or who gets one, which is asked again
   * before the token's `exp` and when the server refuses it, once for all calls that wait.
   */
  readonly token?: string | (() => Promise<string>);
  /**
   * Sends writes and linearizable reads to the leader's endpoint where that is known: one hop less, and more work for
   * one member. Default false: calls take turns.
   */
  readonly preferLeader?: boolean;
  /**
   * Never shows a revision older than one shown before, by a read, a write or a watch: a member that is behind is not
   * believed, and another is asked, until the call's time is over; then it rejects with "behind". That happens to
   * serializable reads, which any member answers from what it has, when members take turns. Default false.
   */
  readonly monotonicReads?: boolean;
  /** Come between the user and all calls, but those by which the client gets tokens. The first is around the others. */
  readonly interceptors?: readonly Interceptor[];
}

/** What the place that a client runs in gives it. */
export interface ClientEnvironment {
  readonly channelFactory: ChannelFactory;
  readonly timers: Timers;
  /** Undefined where there is no DNS. */
  readonly discover?: Discover;
  /** Milliseconds since 1970, which tokens measure their ends by. Default: they are renewed when they are refused. */
  readonly wallClock?: () => number;
  /** Those of the moment, inside of the user's own. */
  readonly interceptors?: () => readonly Interceptor[];
}

const defaultTimeoutMs = 30_000;
const defaultHedgeMs = 2000;

/** The services of a cluster of Kvorum or etcd, as they are on the wire. It connects when the first call wants it. */
export class RpcClient implements Disposable {
  readonly #balancer: Balancer;
  readonly #caller: Caller;
  readonly #services = new Map<unknown, unknown>();
  readonly #interceptors: () => readonly Interceptor[];
  readonly #order: RevisionOrder | undefined;
  #isClosed = false;

  /** For `connectRpc` and its kin. Throws `ClientError` "configuration". */
  constructor(options: ClientOptions, environment: ClientEnvironment) {
    const { endpoints, timeoutMs = defaultTimeoutMs, hedgeAfterMs = defaultHedgeMs } = options;
    const { timers, channelFactory: factory, discover } = environment;
    const balancer = new Balancer({ endpoints, factory, timers, discover });
    this.#balancer = balancer;
    const common = { balancer, timers, timeoutMs, hedgeAfterMs };
    const anonymous = new Caller({ ...common, tokens: undefined });
    const tokens = tokensFor(options, anonymous, environment);
    const hints = options.preferLeader === true ? leaderHints(balancer, tokens) : undefined;
    this.#order = options.monotonicReads === true ? new RevisionOrder() : undefined;
    const order = this.#order;
    this.#caller = new Caller({ ...common, tokens, hints, order });
    this.#interceptors = allInterceptors(options, environment);
  }

  /** Those in use: as they were given, or as DNS names them. */
  get endpoints(): readonly string[] {
    return this.#balancer.endpoints;
  }

  /** Keys, values and transactions. */
  get kv(): ServiceClient<typeof KV> {
    return this.#service(KV);
  }

  /** Events as they happen. */
  get watch(): ServiceClient<typeof Watch> {
    return this.#service(Watch);
  }

  /** Leases. */
  get lease(): ServiceClient<typeof Lease> {
    return this.#service(Lease);
  }

  /** The members of the cluster. */
  get cluster(): ServiceClient<typeof Cluster> {
    return this.#service(Cluster);
  }

  /** Upkeep of members. */
  get maintenance(): ServiceClient<typeof Maintenance> {
    return this.#service(Maintenance);
  }

  /** Users, roles and the switch. */
  get auth(): ServiceClient<typeof Auth> {
    return this.#service(Auth);
  }

  /** The server's own locks. */
  get lock(): ServiceClient<typeof Lock> {
    return this.#service(Lock);
  }

  /** The server's own elections. */
  get election(): ServiceClient<typeof Election> {
    return this.#service(Election);
  }

  /** The caller was shown something of this revision, on a stream; see `monotonicReads`. */
  noteRevision(revision: bigint): void {
    this.#order?.note(revision);
  }

  /** Asks for a token now, if calls need one, so that a wrong password shows. Rejects with `ClientError`. */
  async authenticate(): Promise<void> {
    await this.#caller.authenticate();
  }

  /**
   * One unary call of a serialized message, for those that read and write messages by themselves. `path` is
   * `/package.Service/Method`; the answer belongs to the caller. Rejects with `ClientError`.
   */
  unary(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const interceptors = this.#interceptors();
    const found = interceptors.length === 0 ? undefined : methodAt(path);
    if (found?.method.methodKind !== 'unary') return this.#caller.unary(path, request, options);
    const { service, method } = found;
    const unary = { service, method: method as DescMethodUnary };
    return interceptBytes(this.#caller, interceptors, unary, request, options);
  }

  /** The same for a call with messages both ways, whose answers `read` reads; see `CallStream`. */
  stream<I extends DescMessage, O>(
    path: string,
    input: I,
    read: (message: Uint8Array) => O,
    options: CallOptions = {},
  ): MessageStream<MessageInitShape<I>, O> {
    const interceptors = this.#interceptors();
    const found = interceptors.length === 0 ? undefined : methodAt(path);
    if (found === undefined) return new CallStream(this.#caller, path, input, read, options);
    return interceptReading(this.#caller, interceptors, found, read, options);
  }

  /** How long a unary call may take that says nothing else, in ms; 0: for ever. */
  get timeoutMs(): number {
    return this.#caller.timeoutMs;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The server has refused the token of now where no call was: the next call has another, if there is a password. */
  renewToken(): void {
    this.#caller.renewToken();
  }

  /**
   * Goes on with other endpoints; calls that are under way go on where they are. Throws `ClientError` "configuration".
   */
  setEndpoints(endpoints: readonly string[]): void {
    this.#balancer.replace(endpoints);
  }

  /**
   * Goes on with the endpoints that the members advertise, but for learners and members that have not started yet.
   * Rejects with `ClientError`, and "configuration" when they advertise none that can be used here.
   */
  async syncEndpoints(options: CallOptions = {}): Promise<void> {
    const { members } = await this.cluster.memberList({ linearizable: true }, options);
    const serving = members.filter(({ name, isLearner }) => name !== '' && !isLearner);
    this.setEndpoints([...new Set(serving.flatMap(({ clientURLs }) => clientURLs))]);
  }

  /** Ends all calls and connections. */
  close(): void {
    this.#isClosed = true;
    this.#balancer.close();
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  #service<S extends Parameters<typeof serviceClient>[0]>(service: S): ServiceClient<S> {
    let client = this.#services.get(service) as ServiceClient<S> | undefined;
    if (client === undefined) {
      client = serviceClient(service, this.#caller, this.#interceptors);
      this.#services.set(service, client);
    }
    return client;
  }
}

function tokensFor(
  { credentials, token }: ClientOptions,
  anonymous: Caller,
  { timers, wallClock }: ClientEnvironment,
): TokenSource | undefined {
  if (typeof token === 'string') return { token: () => Promise.resolve(token), reject: () => {} };
  if (token !== undefined) return new RenewedTokens({ obtain: token, timers, wallClock });
  if (credentials === undefined) return undefined;
  const obtain = () => passwordToken(anonymous, credentials);
  return new RenewedTokens({ obtain, timers, wallClock });
}

function allInterceptors(
  { interceptors: given = [] }: ClientOptions,
  { interceptors: inner }: ClientEnvironment,
): () => readonly Interceptor[] {
  if (inner === undefined) return () => given;
  return () => {
    const those = inner();
    return those.length === 0 ? given : [...given, ...those];
  };
}

const services = [Auth, Cluster, Election, KV, Lease, Lock, Maintenance, Watch];

/** The method that a path names; undefined when this client does not know it. */
function methodAt(path: string) {
  const [, typeName, name] = path.split('/');
  const service = services.find((one) => one.typeName === typeName);
  const method = service?.methods.find((one) => one.name === name);
  return service === undefined || method === undefined ? undefined : { service, method };
}
