import type { AuthRequest } from '../codec/auth-requests.ts';
import type { LogFields } from '../logging/logger.ts';

/** A change of users and roles as the log tells of it, in etcd's words and without anything secret. */
export interface AuthChange {
  readonly message: string;
  readonly fields: LogFields;
}

/** What a request has changed; undefined for one that only asks. */
export function changeOf(request: AuthRequest): AuthChange | undefined {
  switch (request.kind) {
    case 'authEnable':
      return { message: 'enabled authentication', fields: {} };
    case 'authDisable':
      return { message: 'disabled authentication', fields: {} };
    case 'authUserAdd':
      return ofUser('added a user', request.message.name);
    case 'authUserDelete':
      return ofUser('deleted a user', request.message.name);
    case 'authUserChangePassword':
      return ofUser('changed a password of a user', request.message.name);
    case 'authUserGrantRole':
      return ofUser('granted a role to a user', request.message.user, request.message.role);
    case 'authUserRevokeRole':
      return ofUser('revoked role from a user', request.message.name, request.message.role);
    case 'authRoleAdd':
      return ofRole('created a role', request.message.name);
    case 'authRoleDelete':
      return ofRole('deleted a role', request.message.role);
    case 'authRoleGrantPermission':
      return ofRole('granted/updated a permission to a user', request.message.name);
    case 'authRoleRevokePermission':
      return ofRole('revoked a permission on range', request.message.role);
    default:
      return undefined;
  }
}

function ofUser(message: string, name: string, role?: string): AuthChange {
  const fields = { 'user-name': name, ...(role === undefined ? {} : { 'role-name': role }) };
  return { message, fields };
}

function ofRole(message: string, name: string): AuthChange {
  return { message, fields: { 'role-name': name } };
}
