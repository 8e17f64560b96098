import { AuthApplier } from '../apply/auth.ts';
import type { AuthTokenSetting } from '../config/server-config.ts';
import type { Logger } from '../logging/logger.ts';
import type { ClientNames } from '../tls/client-names.ts';
import { Access } from './access.ts';
import { AuthStore } from './auth-store.ts';
import type { AuthTools } from './auth-tools.ts';
import { JwtTokens } from './jwt-tokens.ts';
import { noTokens } from './no-tokens.ts';
import { Passwords } from './passwords.ts';
import { type SimpleTokenOptions, SimpleTokens } from './simple-tokens.ts';
import type { Tokens } from './tokens.ts';

/** What tokens need of the member. */
type Surroundings = Pick<SimpleTokenOptions, 'clock' | 'appliedIndex' | 'catchUp'>;

/** Who callers of a member are, and what they may do. */
export class MemberAuth {
  readonly store = new AuthStore();
  readonly tokens: Tokens;
  readonly access: Access;
  readonly applier: AuthApplier;
  readonly passwords: Passwords;

  /** `setting` is --auth-token. */
  constructor(
    setting: AuthTokenSetting,
    tools: AuthTools,
    around: Surroundings & {
      readonly logger: Logger;
      readonly clientNames: ClientNames | undefined;
    },
  ) {
    this.tokens = tokensOf(setting, tools, around);
    this.access = new Access(this.store, this.tokens, around.clientNames);
    this.applier = new AuthApplier(this.store, this.tokens, around.logger);
    this.passwords = new Passwords(tools.hashing);
  }
}

function tokensOf(setting: AuthTokenSetting, tools: AuthTools, around: Surroundings): Tokens {
  const { jwtKeys: keys, secret } = tools;
  if (setting.kind === 'none') return noTokens;
  const { ttlMs } = setting;
  if (setting.kind === 'simple') return new SimpleTokens({ ...around, ttlMs, secret });
  if (keys === undefined) throw new Error('--auth-token=jwt needs keys');
  return new JwtTokens({ keys, ttlMs, clock: around.clock });
}
