import { Auth, Cluster, Election, KV, Lease, Lock, Maintenance, Watch } from '@kvorum/api';
import { Balancer } from './balancer.ts';
import type { CallOptions } from './call-options.ts';
import { Caller } from './caller.ts';
import type { ChannelFactory } from './channel.ts';
import { type Credentials, PasswordTokens } from './password-tokens.ts';
import { type ServiceClient, serviceClient } from './service.ts';
import type { Timers } from './timers.ts';

/** What every client is told, wherever it runs. */
export interface ClientOptions {
  /**
   * Members' client addresses, at least one: `host:port`, `http://…`, `https://…`, `unix://path`. Calls take turns,
   * and go to the next when one cannot be reached.
   */
  readonly endpoints: readonly string[];
  /** How long a unary call may take, in ms, with all its attempts. Default 30,000; 0: for ever. */
  readonly timeoutMs?: number;
  /** A user of the server, where authentication is enabled. */
  readonly credentials?: Credentials;
  /** A token that was got elsewhere, such as a JWT, instead of `credentials`. */
  readonly token?: string;
}

/** What the place that a client runs in gives it. */
export interface ClientEnvironment {
  readonly channelFactory: ChannelFactory;
  readonly timers: Timers;
}

const defaultTimeoutMs = 30_000;

/** A client of a cluster of Kvorum or etcd. It connects when the first call wants it. */
export class Client implements Disposable {
  readonly #balancer: Balancer;
  readonly #caller: Caller;
  readonly #services = new Map<unknown, unknown>();

  /** For `connect` and its kin. Throws `ClientError` "configuration". */
  constructor(options: ClientOptions, environment: ClientEnvironment) {
    const { credentials, token, timeoutMs = defaultTimeoutMs } = options;
    const { timers } = environment;
    const balancer = new Balancer(options.endpoints, environment.channelFactory);
    this.#balancer = balancer;
    const anonymous = new Caller({ balancer, timers, timeoutMs, tokens: undefined });
    if (token !== undefined) {
      const tokens = { token: () => Promise.resolve(token), reject: () => {} };
      this.#caller = new Caller({ balancer, timers, timeoutMs, tokens });
    } else if (credentials !== undefined) {
      const tokens = new PasswordTokens(anonymous, credentials, timeoutMs);
      this.#caller = new Caller({ balancer, timers, timeoutMs, tokens });
    } else {
      this.#caller = anonymous;
    }
  }

  /** As they were given. */
  get endpoints(): readonly string[] {
    return this.#balancer.endpoints;
  }

  get kv(): ServiceClient<typeof KV> {
    return this.#service(KV);
  }

  get watch(): ServiceClient<typeof Watch> {
    return this.#service(Watch);
  }

  get lease(): ServiceClient<typeof Lease> {
    return this.#service(Lease);
  }

  get cluster(): ServiceClient<typeof Cluster> {
    return this.#service(Cluster);
  }

  get maintenance(): ServiceClient<typeof Maintenance> {
    return this.#service(Maintenance);
  }

  get auth(): ServiceClient<typeof Auth> {
    return this.#service(Auth);
  }

  get lock(): ServiceClient<typeof Lock> {
    return this.#service(Lock);
  }

  get election(): ServiceClient<typeof Election> {
    return this.#service(Election);
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
    return this.#caller.unary(path, request, options);
  }

  /** Goes on with other endpoints. Throws `ClientError` "configuration". */
  setEndpoints(endpoints: readonly string[]): void {
    this.#balancer.replace(endpoints);
  }

  /** Ends all calls and connections. */
  close(): void {
    this.#balancer.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #service<S extends Parameters<typeof serviceClient>[0]>(service: S): ServiceClient<S> {
    let client = this.#services.get(service) as ServiceClient<S> | undefined;
    if (client === undefined) {
      client = serviceClient(service, this.#caller);
      this.#services.set(service, client);
    }
    return client;
  }
}
