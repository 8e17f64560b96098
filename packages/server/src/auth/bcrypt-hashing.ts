import type { PasswordHashing } from './passwords.ts';

const MIN_COST = 4;
const MAX_COST = 31;
const DEFAULT_COST = 10;

/** --bcrypt-cost, or bcrypt's default for one that it doesn't know, as in etcd. */
export function effectiveCost(cost: number): number {
  return cost >= MIN_COST && cost <= MAX_COST ? cost : DEFAULT_COST;
}

/** bcrypt in the thread pool. The library is loaded when the first password comes: most members never see one. */
export function bcryptHashing(cost: number): PasswordHashing {
  return {
    hash: async (password) => (await bcrypt()).hash(password, effectiveCost(cost)),
    isSame: async (password, hash) => {
      const { verify } = await bcrypt();
      // It rejects what is no hash: nobody's password.
      return await verify(password, hash).catch(() => false);
    },
  };
}

function bcrypt() {
  return import('@node-rs/bcrypt');
}
