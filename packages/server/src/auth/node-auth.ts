import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config/config-error.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { AuthTools } from './auth-tools.ts';
import { bcryptHashing } from './bcrypt-hashing.ts';
import { type JwtKeys, jwtKeysOf } from './jwt-keys.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** As in etcd: 91 bits. */
const SECRET_LETTERS = 16;

/** bcrypt, the system's randomness, and the keys that `--auth-token` names. Rejects with `ConfigError`. */
export async function nodeAuth(
  config: Pick<ServerConfig, 'authToken' | 'bcryptCost'>,
): Promise<AuthTools> {
  return {
    hashing: bcryptHashing(config.bcryptCost),
    secret: newSecret,
    jwtKeys: await readKeys(config.authToken),
  };
}

function newSecret(): string {
  let secret = '';
  for (let i = 0; i < SECRET_LETTERS; i++) secret += LETTERS[randomInt(LETTERS.length)];
  return secret;
}

async function readKeys(setting: ServerConfig['authToken']): Promise<JwtKeys | undefined> {
  if (setting.kind !== 'jwt') return undefined;
  try {
    return jwtKeysOf(setting.signMethod, {
      publicKey: await readIfGiven(setting.publicKeyPath),
      privateKey: await readIfGiven(setting.privateKeyPath),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('invalid', `the keys of --auth-token can't be used: ${reason}`);
  }
}

async function readIfGiven(path: string | undefined): Promise<Uint8Array | undefined> {
  return path === undefined ? undefined : await readFile(path);
}
