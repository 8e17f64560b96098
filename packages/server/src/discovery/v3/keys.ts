import { posix } from 'node:path';

/** Where etcd keeps what is registered under tokens. */
const root = '/_etcd/registry';

/** The key of the number of members that are to found the cluster. */
export function sizeKey(token: string): string {
  return posix.join(root, token, '_config/size');
}

/** What the keys of all members that registered begin with. */
export function membersPrefix(token: string): string {
  return posix.join(root, token, 'members');
}

/** The key of one of them; its id as in `formatId`. */
export function memberKey(token: string, id: string): string {
  return posix.join(membersPrefix(token), id);
}
