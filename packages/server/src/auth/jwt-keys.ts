import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** How tokens may be signed, as RFC 7518 names it. */
export const SIGN_METHODS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
] as const;
export type SignMethod = (typeof SIGN_METHODS)[number];

/** What tokens are signed and checked with. */
export interface JwtKeys {
  readonly method: SignMethod;
  readonly verify: KeyObject | Uint8Array;
  /** Undefined for a member that checks tokens and signs none. */
  readonly sign: KeyObject | Uint8Array | undefined;
}

/** The files that `--auth-token` names. */
export interface JwtKeyFiles {
  /** PEM of a public key or of a certificate. */
  readonly publicKey: Uint8Array | undefined;
  /** PEM of a private key; for HS… the secret itself. */
  readonly privateKey: Uint8Array | undefined;
}

/** Throws an error for people, in etcd's words, when the files don't fit the method or each other. */
export function jwtKeysOf(method: SignMethod, files: JwtKeyFiles): JwtKeys {
  if (method.startsWith('HS')) {
    if (files.privateKey === undefined || files.privateKey.length === 0) throw missingKey(method);
    return { method, verify: files.privateKey, sign: files.privateKey };
  }
  const sign = files.privateKey && createPrivateKey(Buffer.from(files.privateKey));
  const given = files.publicKey && createPublicKey(Buffer.from(files.publicKey));
  const derived = sign && createPublicKey(sign);
  const verify = given ?? derived;
  if (verify === undefined) throw missingKey(method);
  if (derived !== undefined && !derived.equals(verify)) {
    throw new Error("auth: public and private keys don't match (--auth-token)");
  }
  const wanted = keyTypeOf(method);
  if (verify.asymmetricKeyType !== wanted) {
    throw new Error(
      `--auth-token: sign-method ${method} needs a key of type ${wanted}, not ${verify.asymmetricKeyType}`,
    );
  }
  return { method, verify, sign };
}

function keyTypeOf(method: SignMethod): 'rsa' | 'ec' | 'ed25519' {
  if (method === 'EdDSA') return 'ed25519';
  return method.startsWith('ES') ? 'ec' : 'rsa';
}

function missingKey(method: SignMethod): Error {
  return new Error(`auth: missing key data: sign-method ${method} of --auth-token needs a key`);
}
