import { AuthStore } from '../../auth/auth-store.ts';
import { replace, type SeededBug } from './seeded-bug.ts';

/** Mistakes in what becomes of users and roles. */
export const authBugs: readonly SeededBug[] = [
  {
    name: 'a state that is taken over does not bring its users',
    caughtBy: 5,
    install: () => {
      const loaded = new WeakSet<AuthStore>();
      return replace(AuthStore.prototype, 'load', (original) => {
        return function load(this: AuthStore, listMeta) {
          if (!loaded.has(this)) original.call(this, listMeta);
          loaded.add(this);
        };
      });
    },
  },
  {
    name: 'the end of a user is not written down',
    caughtBy: 4,
    install: () =>
      replace(AuthStore.prototype, 'deleteUser', (original) => {
        return function deleteUser(this: AuthStore, rows, name) {
          original.call(this, { putMeta: rows.putMeta.bind(rows), deleteMeta: () => {} }, name);
        };
      }),
  },
];
