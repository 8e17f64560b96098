import { refusal } from './auth-refusal.ts';

export const ROOT = 'root';
/** What those may do who don't say who they are. */
export const GUEST = 'guest';

/** Patterns of keys; one that ends with `*` stands for all that begin as it does. Null where JSON said nothing. */
export interface KeyPatterns {
  readonly read: readonly string[] | null;
  readonly write: readonly string[] | null;
}

export interface V2Role {
  readonly role: string;
  readonly permissions: { readonly kv: KeyPatterns };
}

/** A role that may read and write everything. */
export function unlimitedRole(role: string): V2Role {
  return { role, permissions: { kv: { read: ['/*'], write: ['/*'] } } };
}

export function isEmpty(patterns: KeyPatterns | undefined): boolean {
  return (patterns?.read ?? []).length === 0 && (patterns?.write ?? []).length === 0;
}

/** Throws `AuthRefusal` for a pattern that is granted already. What is revoked need not be there. */
export function changedRole(
  role: V2Role,
  grant: KeyPatterns | undefined,
  revoke: KeyPatterns | undefined,
): V2Role {
  let { kv } = role.permissions;
  if (grant !== undefined) {
    kv = {
      read: granted('read', kv.read, grant.read),
      write: granted('write', kv.write, grant.write),
    };
  }
  if (revoke !== undefined) {
    kv = { read: without(kv.read, revoke.read), write: without(kv.write, revoke.write) };
  }
  return { role: role.role, permissions: { kv } };
}

/** Whether a role allows what is asked of a key, or of all below it. */
export function allows(role: V2Role, key: string, isWrite: boolean, isRecursive: boolean): boolean {
  if (role.role === ROOT) return true;
  const { read, write } = role.permissions.kv;
  const patterns = (isWrite ? write : read) ?? [];
  return patterns.some((pattern) => {
    if (pattern.endsWith('*')) return key.startsWith(pattern.slice(0, -1));
    return !isRecursive && key === pattern;
  });
}

type Patterns = readonly string[] | null;

function granted(what: string, current: Patterns, added: Patterns): string[] {
  const set = new Set(current);
  for (const pattern of added ?? []) {
    if (set.has(pattern)) throw refusal(409, `Granting duplicate ${what} permission ${pattern}`);
    set.add(pattern);
  }
  return [...set].sort();
}

function without(current: Patterns, removed: Patterns): string[] {
  const set = new Set(current);
  for (const pattern of removed ?? []) set.delete(pattern);
  return [...set].sort();
}
