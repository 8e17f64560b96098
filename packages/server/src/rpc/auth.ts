import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AuthDisableResponseSchema,
  AuthEnableResponseSchema,
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
  AuthRoleAddResponseSchema,
  AuthRoleDeleteResponseSchema,
  AuthRoleGetResponseSchema,
  AuthRoleGrantPermissionResponseSchema,
  AuthRoleListResponseSchema,
  AuthRoleRevokePermissionResponseSchema,
  AuthStatusResponseSchema,
  AuthUserAddResponseSchema,
  AuthUserChangePasswordResponseSchema,
  AuthUserDeleteResponseSchema,
  AuthUserGetResponseSchema,
  AuthUserGrantRoleResponseSchema,
  AuthUserListResponseSchema,
  AuthUserRevokeRoleResponseSchema,
  EtcdError,
  grpcStatus,
} from '@kvorum/api';
import type { GrpcMethod, UnaryCall } from '@kvorum/h2';
import type { AuthAnswer, AuthResult } from '../apply/auth.ts';
import type { Caller } from '../auth/caller.ts';
import type { MemberAuth } from '../auth/member-auth.ts';
import {
  type AuthRequest,
  type AuthRequestKind,
  authRequest,
  decodeAuthRequest,
} from '../codec/auth-requests.ts';
import { decodeMessage } from '../codec/message.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { Proposer } from '../proposer.ts';
import type { MemberHeaders } from './headers.ts';
import { unaryAsync } from './method.ts';

export interface AuthOptions {
  readonly auth: MemberAuth;
  readonly loop: NodeLoop;
  readonly proposer: Proposer;
  readonly headers: MemberHeaders;
  /** Of the keys. */
  readonly revision: () => number;
}

/** Methods that do nothing but go through the log: what they are there, and what their answers are. */
const replicated = {
  AuthEnable: ['authEnable', AuthEnableResponseSchema],
  AuthDisable: ['authDisable', AuthDisableResponseSchema],
  AuthStatus: ['authStatus', AuthStatusResponseSchema],
  UserAdd: ['authUserAdd', AuthUserAddResponseSchema],
  UserGet: ['authUserGet', AuthUserGetResponseSchema],
  UserList: ['authUserList', AuthUserListResponseSchema],
  UserDelete: ['authUserDelete', AuthUserDeleteResponseSchema],
  UserChangePassword: ['authUserChangePassword', AuthUserChangePasswordResponseSchema],
  UserGrantRole: ['authUserGrantRole', AuthUserGrantRoleResponseSchema],
  UserRevokeRole: ['authUserRevokeRole', AuthUserRevokeRoleResponseSchema],
  RoleAdd: ['authRoleAdd', AuthRoleAddResponseSchema],
  RoleGet: ['authRoleGet', AuthRoleGetResponseSchema],
  RoleList: ['authRoleList', AuthRoleListResponseSchema],
  RoleDelete: ['authRoleDelete', AuthRoleDeleteResponseSchema],
  RoleGrantPermission: ['authRoleGrantPermission', AuthRoleGrantPermissionResponseSchema],
  RoleRevokePermission: ['authRoleRevokePermission', AuthRoleRevokePermissionResponseSchema],
} as const satisfies Record<string, readonly [AuthRequestKind, DescMessage]>;

/** etcdserverpb.Auth. Questions go through the log, too, so the answers are those of a quorum. */
export class AuthService {
  readonly #options: AuthOptions;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/etcdserverpb.Auth';
    const methods = Object.entries(replicated).map(([name, [kind, response]]) => {
      const run = (bytes: Uint8Array, call: UnaryCall) => this.#run(kind, response, bytes, call);
      return [`${path}/${name}`, unaryAsync(run)] satisfies [string, GrpcMethod];
    });
    return [...methods, [`${path}/Authenticate`, unaryAsync((bytes) => this.#authenticate(bytes))]];
  }

  async #run(
    kind: AuthRequestKind,
    response: DescMessage,
    bytes: Uint8Array,
    call: UnaryCall,
  ): Promise<Uint8Array> {
    const caller = this.#options.auth.access.callerOf(call);
    const request = await this.#withoutPassword(decodeAuthRequest(kind, bytes), caller);
    const { answer } = await this.#propose(request, caller);
    return this.#encode(response, answer);
  }

  /** A password gets into the log as its hash. That takes a while, so only who may change it can have it done. */
  async #withoutPassword(request: AuthRequest, caller: Caller | undefined): Promise<AuthRequest> {
    const { access, passwords } = this.#options.auth;
    switch (request.kind) {
      case 'authUserAdd': {
        access.mustBeRoot(caller);
        const { message } = request;
        const hasNone = message.options?.noPassword === true;
        const hashedPassword = hasNone ? '' : await passwords.hash(message.password);
        return authRequest('authUserAdd', { ...message, password: '', hashedPassword });
      }
      case 'authUserChangePassword': {
        access.mustBeRoot(caller);
        const { message } = request;
        const hashedPassword = await passwords.hash(message.password);
        return authRequest('authUserChangePassword', { ...message, password: '', hashedPassword });
      }
      default:
        return request;
    }
  }

  /** Compares the password outside of the log, which then gets the name alone. */
  async #authenticate(bytes: Uint8Array): Promise<Uint8Array> {
    const { loop } = this.#options;
    const { tokens } = this.#options.auth;
    const { name, password } = decodeMessage(AuthenticateRequestSchema, bytes);
    await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    for (;;) {
      const checkedRevision = await this.#checkPassword(name, password);
      const simpleToken = tokens.newSecret();
      const request = authRequest('authenticate', { name, simpleToken });
      const { authRevision, index } = await this.#propose(request, undefined);
      // The password may have been changed between the look at it and the entry.
      if (authRevision !== checkedRevision) continue;
      const token = await tokens.issue(name, authRevision, simpleToken, index);
      return this.#encode(AuthenticateResponseSchema, { token });
    }
  }

  /** Resolves with the auth revision at which the password was right; rejects with `EtcdError`. */
  async #checkPassword(name: string, password: string): Promise<number> {
    const { store, passwords } = this.#options.auth;
    if (!store.isEnabled) throw new EtcdError('authNotEnabled');
    const { revision } = store;
    const user = store.user(name);
    if (user === undefined) throw new EtcdError('authFailed');
    if (user.options?.noPassword === true) {
      const text = 'auth: authentication failed, password was given for no password user';
      throw new EtcdError('unmapped', grpcStatus.unknown, text);
    }
    if (!(await passwords.isSame(password, user.password))) throw new EtcdError('authFailed');
    return revision;
  }

  async #propose(request: AuthRequest, caller: Caller | undefined): Promise<AuthResult> {
    const result = await this.#options.proposer.propose(request, caller);
    if (result.kind !== 'auth') throw new Error(`${request.kind} gave a ${result.kind}`);
    return result;
  }

  #encode(schema: DescMessage, answer: AuthAnswer | { readonly token: string }): Uint8Array {
    const { headers, revision } = this.#options;
    const init = { header: headers.message(revision()), ...answer };
    return toBinary(schema, create(schema, init as MessageInitShape<DescMessage>));
  }
}
