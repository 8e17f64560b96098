import { EtcdError, Permission_Type, type User } from '@kvorum/api';
import type { CallInfo, Metadata } from '@kvorum/h2';
import type { ClientNames } from '../tls/client-names.ts';
import { type AuthStore, ROOT } from './auth-store.ts';
import type { Caller } from './caller.ts';
import { KeyRanges } from './key-ranges.ts';
import type { Tokens } from './tokens.ts';

/** What a user's roles allow, all together. */
interface UserRanges {
  readonly readable: KeyRanges;
  readonly writable: KeyRanges;
}

/** What is asked of a call to know who makes it. */
type CalledBy = Pick<CallInfo, 'metadata' | 'connection'>;

/** By this a gateway from JSON marks what it hands on: its own certificate says nothing about who calls. */
const GATEWAY_FIELD = 'grpcgateway-accept';

/** gRPC metadata that carries the token; the second is that of HTTP clients. */
const TOKEN_FIELDS = ['token', 'authorization'] as const;
const BEARER = 'Bearer ';
const ONE_KEY = new Uint8Array(0);

/**
 * Says who calls, and whether they may. While authentication is off everybody may do everything, and callers are
 * nobody: undefined. Refusals are `EtcdError`s in etcd's words.
 */
export class Access {
  readonly #store: AuthStore;
  readonly #tokens: Tokens;
  readonly #clientNames: ClientNames | undefined;
  /** What users may do, of the auth revision below. */
  readonly #ranges = new Map<string, UserRanges>();
  #rangesRevision = 0;

  /** With `clientNames` who shows no good token is known by the common name of the certificate, as --client-cert-auth says. */
  constructor(store: AuthStore, tokens: Tokens, clientNames?: ClientNames) {
    this.#store = store;
    this.#tokens = tokens;
    this.#clientNames = clientNames;
  }

  get isEnabled(): boolean {
    return this.#store.isEnabled;
  }

  /** Lets `callerOf` know the call's token; undefined when there is nothing to wait for. Never rejects. */
  prepare(call: { readonly metadata: Metadata }): Promise<void> | undefined {
    if (!this.#store.isEnabled) return undefined;
    const token = tokenOf(call.metadata);
    return token === undefined ? undefined : this.#tokens.prepare(token);
  }

  /**
   * Who calls; undefined without a token or certificate that tells, or while nobody is asked. Throws `EtcdError`
   * invalidAuthToken.
   */
  callerOf(call: CalledBy): Caller | undefined {
    if (!this.#store.isEnabled) return undefined;
    const token = tokenOf(call.metadata);
    if (token === undefined) return this.#certified(call);
    // As in etcd, a bad token beside a good certificate is forgiven.
    const caller = this.#tokens.identify(token, this.#store.revision) ?? this.#certified(call);
    if (caller === undefined) throw new EtcdError('invalidAuthToken');
    return caller;
  }

  /** Stands for the member itself: what it proposes on its own account is allowed. */
  ownCaller(): Caller | undefined {
    if (!this.#store.isEnabled) return undefined;
    return { username: ROOT, authRevision: this.#store.revision };
  }

  /** Throws `EtcdError` userEmpty or userNotFound unless the caller is a user. */
  mustBeUser(caller: Caller | undefined): void {
    if (this.#store.isEnabled) this.#userOf(caller);
  }

  /** Throws `EtcdError` userEmpty, userNotFound or permissionDenied. */
  mustBeRoot(caller: Caller | undefined): void {
    if (!this.#store.isEnabled) return;
    if (!isRoot(this.#userOf(caller))) throw new EtcdError('permissionDenied');
  }

  /** Throws as `mustBeRoot`, unless the caller is that user. */
  mustBeRootOr(caller: Caller | undefined, username: string): void {
    if (caller?.username !== username) this.mustBeRoot(caller);
  }

  /** Throws as `mustBeRoot`, unless the caller has that role. */
  mustBeRootOrHold(caller: Caller | undefined, role: string): void {
    if (!this.#store.isEnabled) return;
    const user = this.#userOf(caller);
    if (!isRoot(user) && !user.roles.includes(role)) throw new EtcdError('permissionDenied');
  }

  /** The caller need not be asked about single keys. */
  isUnlimited(caller: Caller | undefined): boolean {
    if (!this.#store.isEnabled) return true;
    const user = caller && this.#store.user(caller.username);
    return user !== undefined && isRoot(user);
  }

  /** Throws `EtcdError` userEmpty, authOldRevision or permissionDenied unless all keys of the range may be read. */
  mustRead(caller: Caller | undefined, key: Uint8Array, rangeEnd: Uint8Array = ONE_KEY): void {
    const ranges = this.#rangesOf(caller);
    if (ranges === undefined || ranges.readable.cover(key, rangeEnd)) return;
    throw new EtcdError('permissionDenied');
  }

  /** The same for writing. */
  mustWrite(caller: Caller | undefined, key: Uint8Array, rangeEnd: Uint8Array = ONE_KEY): void {
    const ranges = this.#rangesOf(caller);
    if (ranges === undefined || ranges.writable.cover(key, rangeEnd)) return;
    throw new EtcdError('permissionDenied');
  }

  /** Whom the certificate of a call names. */
  #certified(call: CalledBy): Caller | undefined {
    if (this.#clientNames === undefined) return undefined;
    if (call.metadata.get(GATEWAY_FIELD) !== undefined) return undefined;
    const { connection } = call;
    if (connection === undefined) return undefined;
    const username = this.#clientNames.of(connection.stream);
    return username === undefined ? undefined : { username, authRevision: this.#store.revision };
  }

  #userOf(caller: Caller | undefined): User {
    // A certificate without a common name says as little as none.
    if (caller === undefined || caller.username === '') throw new EtcdError('userEmpty');
    const user = this.#store.user(caller.username);
    if (user === undefined) throw new EtcdError('userNotFound');
    return user;
  }

  /** Undefined for a caller that may do everything. */
  #rangesOf(caller: Caller | undefined): UserRanges | undefined {
    const store = this.#store;
    if (!store.isEnabled) return undefined;
    if (caller === undefined) throw new EtcdError('userEmpty');
    // Permissions may have been taken away since.
    if (caller.authRevision < store.revision) throw new EtcdError('authOldRevision');
    const user = store.user(caller.username);
    if (user === undefined) throw new EtcdError('permissionDenied');
    return isRoot(user) ? undefined : this.#merged(caller.username, user);
  }

  #merged(username: string, user: User): UserRanges {
    if (this.#rangesRevision !== this.#store.revision) {
      this.#ranges.clear();
      this.#rangesRevision = this.#store.revision;
    }
    let ranges = this.#ranges.get(username);
    if (ranges === undefined) {
      const given = user.roles.flatMap((role) => this.#store.role(role)?.keyPermission ?? []);
      const { READ, WRITE, READWRITE } = Permission_Type;
      const allowing = (type: Permission_Type) =>
        KeyRanges.of(given.filter(({ permType }) => permType === type || permType === READWRITE));
      ranges = { readable: allowing(READ), writable: allowing(WRITE) };
      this.#ranges.set(username, ranges);
    }
    return ranges;
  }
}

function isRoot(user: User): boolean {
  return user.roles.includes(ROOT);
}

function tokenOf(metadata: Metadata): string | undefined {
  for (const field of TOKEN_FIELDS) {
    const token = metadata.get(field);
    if (token !== undefined) return token.startsWith(BEARER) ? token.slice(BEARER.length) : token;
  }
  return undefined;
}
