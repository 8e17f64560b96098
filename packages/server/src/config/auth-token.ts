import { SIGN_METHODS, type SignMethod } from '../auth/jwt-keys.ts';
import { ConfigError } from './config-error.ts';
import { parseDurationMs } from './duration.ts';
import type { AuthTokenSetting } from './server-config.ts';

const DEFAULT_SIMPLE_TTL_SECONDS = 300;
const DEFAULT_JWT_TTL = '5m';
const JWT_OPTIONS = ['pub-key', 'priv-key', 'sign-method', 'ttl'];

/**
 * Resolves --auth-token and --auth-token-ttl: `simple`, `jwt,priv-key=…,sign-method=…`, or nothing for no tokens. Throws
 * `ConfigError` "invalid".
 */
export function parseAuthToken(text: string, simpleTtlSeconds: number): AuthTokenSetting {
  const [kind, ...options] = text.split(',');
  if (kind === '') return { kind: 'none' };
  if (kind === 'simple') {
    return { kind, ttlMs: (simpleTtlSeconds || DEFAULT_SIMPLE_TTL_SECONDS) * 1000 };
  }
  if (kind !== 'jwt') {
    throw new ConfigError('invalid', `unknown --auth-token ${JSON.stringify(kind)}: simple or jwt`);
  }
  return parseJwt(options);
}

function parseJwt(options: readonly string[]): AuthTokenSetting {
  const given = new Map<string, string>();
  for (const option of options) {
    const [name = '', ...value] = option.split('=');
    if (!JWT_OPTIONS.includes(name) || value.length === 0 || given.has(name)) {
      throw invalid(`${JSON.stringify(option)} is not one of ${JWT_OPTIONS.join('=…, ')}=…, once`);
    }
    given.set(name, value.join('='));
  }
  const signMethod = given.get('sign-method') ?? '';
  if (!isSignMethod(signMethod)) {
    throw invalid(`sign-method=${signMethod} is not one of ${SIGN_METHODS.join(', ')}`);
  }
  const ttl = given.get('ttl') ?? DEFAULT_JWT_TTL;
  const ttlMs = parseDurationMs(ttl);
  if (ttlMs === undefined || ttlMs <= 0) throw invalid(`ttl=${ttl} is no duration such as 5m`);
  return {
    kind: 'jwt',
    signMethod,
    publicKeyPath: given.get('pub-key'),
    privateKeyPath: given.get('priv-key'),
    ttlMs,
  };
}

function isSignMethod(text: string): text is SignMethod {
  return (SIGN_METHODS as readonly string[]).includes(text);
}

function invalid(reason: string): ConfigError {
  return new ConfigError('invalid', `auth: invalid auth options: --auth-token=jwt: ${reason}`);
}
