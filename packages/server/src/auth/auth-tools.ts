import type { JwtKeys } from './jwt-keys.ts';
import type { PasswordHashing } from './passwords.ts';

/** What authentication needs of the world outside. */
export interface AuthTools {
  readonly hashing: PasswordHashing;
  /** Letters that nobody can guess, new ones each time: the secret of a simple token. */
  readonly secret: () => string;
  /** For `--auth-token=jwt,…`. */
  readonly jwtKeys: JwtKeys | undefined;
}
