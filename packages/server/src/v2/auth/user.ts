import { refusal } from './auth-refusal.ts';
import { ROOT } from './role.ts';

export interface V2User {
  readonly user: string;
  /** A bcrypt hash where it is stored. */
  readonly password: string;
  /** Null where nobody ever gave any. */
  readonly roles: readonly string[] | null;
}

/** A user as stored; a refused or answered one has no password. */
export function userJson({ user, password, roles }: V2User): string {
  return JSON.stringify({ user, ...(password === '' ? {} : { password }), roles });
}

/** root has the role root, whatever is stored. */
export function withRootRole(user: V2User): V2User {
  const roles = user.roles ?? [];
  if (user.user !== ROOT || roles.includes(ROOT)) return user;
  return { ...user, roles: [...roles, ROOT] };
}

/** Throws `AuthRefusal` for a role that is granted already, or isn't and is to be revoked. */
export function changedRoles(
  { user, roles }: V2User,
  grant: readonly string[],
  revoke: readonly string[],
): string[] {
  const set = new Set(roles);
  for (const role of grant) {
    if (set.has(role)) throw refusal(409, `Granting duplicate role ${role} for user ${user}`);
    set.add(role);
  }
  for (const role of revoke) {
    if (!set.delete(role)) {
      throw refusal(409, `Revoking ungranted role ${role} for user ${user}`);
    }
  }
  return [...set].sort();
}
