import { EtcdError } from '@kvorum/api';
import type { Tokens } from './tokens.ts';

/** An empty `--auth-token`: nobody can authenticate by a password, as in etcd. */
export const noTokens: Tokens = {
  newSecret: () => '',
  authenticated() {},
  async issue() {
    throw new EtcdError('authFailed');
  },
  prepare: () => undefined,
  identify: () => undefined,
  forget() {},
  forgetAll() {},
  stop() {},
};
