import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  AuthDisableRequestSchema,
  AuthEnableRequestSchema,
  AuthRoleAddRequestSchema,
  AuthRoleDeleteRequestSchema,
  AuthRoleGetRequestSchema,
  AuthRoleGrantPermissionRequestSchema,
  AuthRoleListRequestSchema,
  AuthRoleRevokePermissionRequestSchema,
  AuthStatusRequestSchema,
  AuthUserAddRequestSchema,
  AuthUserChangePasswordRequestSchema,
  AuthUserDeleteRequestSchema,
  AuthUserGetRequestSchema,
  AuthUserGrantRoleRequestSchema,
  AuthUserListRequestSchema,
  AuthUserRevokeRoleRequestSchema,
  InternalAuthenticateRequestSchema,
} from '@kvorum/api';
import { decodeMessage } from './message.ts';

/** The requests about users and roles: their fields in etcdserverpb.InternalRaftRequest, and what those hold. */
const requests = {
  authEnable: [1000, AuthEnableRequestSchema],
  authDisable: [1011, AuthDisableRequestSchema],
  authenticate: [1012, InternalAuthenticateRequestSchema],
  authStatus: [1013, AuthStatusRequestSchema],
  authUserAdd: [1100, AuthUserAddRequestSchema],
  authUserDelete: [1101, AuthUserDeleteRequestSchema],
  authUserGet: [1102, AuthUserGetRequestSchema],
  authUserChangePassword: [1103, AuthUserChangePasswordRequestSchema],
  authUserGrantRole: [1104, AuthUserGrantRoleRequestSchema],
  authUserRevokeRole: [1105, AuthUserRevokeRoleRequestSchema],
  authUserList: [1106, AuthUserListRequestSchema],
  authRoleList: [1107, AuthRoleListRequestSchema],
  authRoleAdd: [1200, AuthRoleAddRequestSchema],
  authRoleDelete: [1201, AuthRoleDeleteRequestSchema],
  authRoleGet: [1202, AuthRoleGetRequestSchema],
  authRoleGrantPermission: [1203, AuthRoleGrantPermissionRequestSchema],
  authRoleRevokePermission: [1204, AuthRoleRevokePermissionRequestSchema],
} as const satisfies Record<string, readonly [number, DescMessage]>;

type Requests = typeof requests;
export type AuthRequestKind = keyof Requests;

/** A request of one kind. */
export interface AuthRequestOf<Kind extends AuthRequestKind> {
  readonly kind: Kind;
  readonly message: MessageShape<Requests[Kind][1]>;
}

/** A request about users, roles, or whether anybody is asked who they are. */
export type AuthRequest = { [Kind in AuthRequestKind]: AuthRequestOf<Kind> }[AuthRequestKind];

const kindByField = new Map<number, AuthRequestKind>(
  (Object.keys(requests) as AuthRequestKind[]).map((kind) => [requests[kind][0], kind]),
);

/** A request from its parts. */
export function authRequest<Kind extends AuthRequestKind>(
  kind: Kind,
  init: MessageInitShape<Requests[Kind][1]>,
): AuthRequestOf<Kind> {
  const schema: Requests[Kind][1] = requests[kind][1];
  return { kind, message: create(schema, init) as MessageShape<Requests[Kind][1]> };
}

/** The request in a field of an InternalRaftRequest; undefined for any other field. Throws `ProtoError`. */
export function decodeAuthField(field: number, bytes: Uint8Array): AuthRequest | undefined {
  const kind = kindByField.get(field);
  return kind === undefined ? undefined : decodeAuthRequest(kind, bytes);
}

/** A request as a client sent it. Throws `ProtoError`. */
export function decodeAuthRequest<Kind extends AuthRequestKind>(
  kind: Kind,
  bytes: Uint8Array,
): AuthRequestOf<Kind> & AuthRequest {
  const message = decodeMessage(requests[kind][1] as DescMessage, bytes);
  return { kind, message } as AuthRequestOf<Kind> & AuthRequest;
}

/** The tag and the bytes of its field. */
export function encodeAuthRequest({ kind, message }: AuthRequest): {
  tag: number;
  bytes: Uint8Array;
} {
  const [field, schema] = requests[kind];
  return { tag: (field << 3) | 2, bytes: toBinary(schema as DescMessage, message) };
}

/** Whether a request of the log is one of these. */
export function isAuthRequest<Other extends { readonly kind: string }>(
  request: Other | AuthRequest,
): request is AuthRequest {
  return Object.hasOwn(requests, request.kind);
}
