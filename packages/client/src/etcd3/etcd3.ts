import type { Buffer } from 'node:buffer';
import { connect } from '../node/connect.ts';
import type { CallOptions, CallOptionsFactory } from './call-options.ts';
import { Calls } from './calls.ts';
import { emptyKey } from './encoding.ts';
import { Namespace } from './namespace.ts';
import { KeyPrefix } from './range.ts';
import { authCall, Role, User } from './roles-and-users.ts';

/** How a client connects. */
export interface IOptions {
  /** Whom to trust, and what the client shows; PEM. With it, or with one https:// host, all hosts are asked over TLS. */
  credentials?: {
    rootCertificate: Buffer;
    privateKey?: Buffer;
    certChain?: Buffer;
  };
  /** grpc-js's: times of keep-alive, sizes of messages and the name that is expected of TLS have an effect, others none. */
  grpcOptions?: Readonly<Record<string, unknown>>;
  /** The user, where authentication is enabled. */
  auth?: {
    username: string;
    password: string;
    /** Without effect: the call for the token takes no longer than the one that needs it. */
    callOptions?: CallOptionsFactory;
  };
  /** Options of all calls. */
  defaultCallOptions?: CallOptionsFactory;
  /** The members' addresses, with or without a scheme, or one of them. Default 127.0.0.1:2379. */
  hosts?: string[] | string;
  /** How long to connect may take, in ms. Default 5,000. */
  dialTimeout?: number;
  /** Without effect: policies for faults are the client's own. */
  faultHandling?: unknown;
}

/**
 * A client with the API of npm's etcd3, on top of this package's own, which `native` gives. It connects when the first
 * call wants it. Throws `Error` without hosts, `ClientError` for those that cannot be read.
 */
export class Etcd3 extends Namespace {
  constructor(options: IOptions = {}) {
    const { hosts = '127.0.0.1:2379', auth, credentials, dialTimeout } = options;
    const endpoints = typeof hosts === 'string' ? [hosts] : hosts;
    if (endpoints.length === 0) {
      throw new Error('Cannot construct an etcd client with no hosts specified');
    }
    const serverName = options.grpcOptions?.['grpc.ssl_target_name_override'];
    const tls = {
      ...(credentials === undefined ? {} : tlsOf(credentials)),
      ...(typeof serverName === 'string' ? { serverName } : {}),
    };
    // As there: all hosts are asked over TLS, or none.
    const isSecure = credentials !== undefined || endpoints.some((one) => one.startsWith('https:'));
    const native = connect({
      endpoints: isSecure ? endpoints.map(overTls) : endpoints,
      ...(isSecure ? { tls } : {}),
      ...(auth === undefined
        ? {}
        : { credentials: { name: auth.username, password: auth.password } }),
      ...(dialTimeout === undefined ? {} : { dialTimeoutMs: dialTimeout }),
      ...connectionOptions(options.grpcOptions ?? {}),
    });
    super(new Calls(native, options.defaultCallOptions), new KeyPrefix(emptyKey));
  }

  /** All roles. */
  async getRoles(options?: CallOptions): Promise<Role[]> {
    const { roles } = await authCall(this.calls, 'roleList', options, (rpc, native) =>
      rpc.roleList({}, native),
    );
    return roles.map((name) => this.role(name));
  }

  /** A role, whether there is one or not. */
  role(name: string): Role {
    return new Role(this.calls, name);
  }

  /** All users. */
  async getUsers(options?: CallOptions): Promise<User[]> {
    const { users } = await authCall(this.calls, 'userList', options, (rpc, native) =>
      rpc.userList({}, native),
    );
    return users.map((name) => this.user(name));
  }

  /** A user, whether there is one or not. */
  user(name: string): User {
    return new User(this.calls, name);
  }

  /** Ends all calls, watches and connections. Leases that are held run out by themselves. */
  close(): void {
    this.calls.native.close();
  }
}

/** Sockets of this machine are left as they are. */
function overTls(host: string): string {
  return host.includes('://') && !host.startsWith('http:')
    ? host
    : `https://${host.replace(/^http:\/\//, '')}`;
}

function tlsOf(credentials: NonNullable<IOptions['credentials']>) {
  const { rootCertificate, privateKey, certChain } = credentials;
  return {
    ca: rootCertificate,
    ...(privateKey === undefined ? {} : { key: privateKey }),
    ...(certChain === undefined ? {} : { cert: certChain }),
  };
}

/** What of grpc-js's options has a meaning here, and by which name. */
const connectionNames = {
  'grpc.keepalive_time_ms': 'keepaliveIntervalMs',
  'grpc.keepalive_timeout_ms': 'keepaliveTimeoutMs',
  'grpc.max_receive_message_length': 'maxReceiveBytes',
  'grpc.max_send_message_length': 'maxSendBytes',
} as const;

function connectionOptions(grpcOptions: Readonly<Record<string, unknown>>) {
  const found = Object.entries(connectionNames).flatMap(([name, ours]) => {
    const value = grpcOptions[name];
    // -1 stands for no limit, which is what there is without the option.
    return typeof value === 'number' && value > 0 ? [[ours, value] as const] : [];
  });
  return Object.fromEntries(found) as Partial<
    Record<(typeof connectionNames)[keyof typeof connectionNames], number>
  >;
}
