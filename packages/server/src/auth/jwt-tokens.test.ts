import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { SimClock, SimTime } from '../testing/sim-time.ts';
import { jwtKeysOf, SIGN_METHODS, type SignMethod } from './jwt-keys.ts';
import { JwtTokens } from './jwt-tokens.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

function filesOf(method: SignMethod) {
  if (method.startsWith('HS')) {
    const secret = Buffer.from(
      'a secret as long as the widest hash is, so that any method takes it',
    );
    return { publicKey: undefined, privateKey: secret };
  }
  if (method === 'EdDSA') return pemOf(ed);
  if (method.startsWith('ES')) {
    const namedCurve = curves[method as keyof typeof curves];
    return pemOf(generateKeyPairSync('ec', { namedCurve }));
  }
  return pemOf(rsa);
}

function pemOf(pair: { publicKey: KeyObject; privateKey: KeyObject }) {
  return {
    publicKey: Buffer.from(pair.publicKey.export({ type: 'spki', format: 'pem' })),
    privateKey: Buffer.from(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

function tokensOf(method: SignMethod, files = filesOf(method)) {
  const time = new SimTime();
  const keys = jwtKeysOf(method, files);
  return { time, keys, tokens: new JwtTokens({ keys, ttlMs: 60_000, clock: new SimClock(time) }) };
}

describe('signed tokens', () => {
  it.each(SIGN_METHODS)('of method %s say who and as of which auth revision', async (method) => {
    const { tokens } = tokensOf(method);
    const token = await tokens.issue('alice', 7);
    await tokens.prepare(token);
    expect(tokens.identify(token)).toMatchObject({ username: 'alice', authRevision: 7 });
    expect(tokens.prepare(token)).toBeUndefined();
  });

  it('are known to any member with the public key, which signs none', async () => {
    const files = filesOf('RS256');
    const { tokens } = tokensOf('RS256', files);
    const verifier = tokensOf('RS256', { ...files, privateKey: undefined as never }).tokens;
    const token = await tokens.issue('alice', 7);
    await verifier.prepare(token);
    expect(verifier.identify(token)).toMatchObject({ username: 'alice' });
    await expect(verifier.issue('alice', 7)).rejects.toThrow('verify-only key');
  });

  it('end after their time', async () => {
    const { time, tokens } = tokensOf('HS256');
    const token = await tokens.issue('alice', 7);
    await tokens.prepare(token);
    await time.run(59_000);
    expect(tokens.identify(token)).toBeDefined();
    await time.run(2000);
    expect(tokens.identify(token)).toBeUndefined();
    await tokens.prepare(token);
    expect(tokens.identify(token)).toBeUndefined();
  });

  it('of others are refused: another key, another method, other claims, or no token at all', async () => {
    const { tokens, keys } = tokensOf('RS256');
    const sign = (claims: object, alg: string, key = rsa.privateKey) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg }).sign(key);
    const claims = { username: 'alice', revision: 7 };
    const strangers = [
      await sign(claims, 'RS256', otherRsa.privateKey),
      await sign(claims, 'PS256'),
      await sign({ username: 'alice' }, 'RS256'),
      await sign({ revision: 7 }, 'RS256'),
      'QWertyUiopAsdfgh.9',
      '',
    ];
    for (const token of strangers) {
      await tokens.prepare(token);
      expect(tokens.identify(token), token).toBeUndefined();
    }
    const theirs = await sign(claims, keys.method);
    await tokens.prepare(theirs);
    expect(tokens.identify(theirs)).toMatchObject({ username: 'alice', authRevision: 7 });
  });
});

describe('the keys of signed tokens', () => {
  it.each([
    ['no key', { publicKey: undefined, privateKey: undefined }, 'auth: missing key data'],
    ['a public key of another pair', { ...pemOf(rsa), publicKey: pemOf(otherRsa).publicKey }, "don't match"], // biome-ignore format: one case, one line
    ['a key of another kind', pemOf(ed), 'needs a key of type rsa, not ed25519'],
  ])('are refused: %s', (_what, files, reason) => {
    expect(() => jwtKeysOf('RS256', files)).toThrow(reason);
  });
});
