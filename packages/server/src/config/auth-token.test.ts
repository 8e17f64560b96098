import { describe, expect, it } from 'vitest';
import { parseAuthToken } from './auth-token.ts';

describe('--auth-token', () => {
  it.each([
    ['', 300, { kind: 'none' }],
    ['simple', 300, { kind: 'simple', ttlMs: 300_000 }],
    ['simple', 0, { kind: 'simple', ttlMs: 300_000 }],
    ['simple', 5, { kind: 'simple', ttlMs: 5000 }],
    [
      'jwt,pub-key=a.pub,priv-key=a=b.pem,sign-method=RS256',
      300,
      {
        kind: 'jwt',
        signMethod: 'RS256',
        publicKeyPath: 'a.pub',
        privateKeyPath: 'a=b.pem',
        ttlMs: 300_000,
      },
    ],
    [
      'jwt,ttl=90s,sign-method=HS256,priv-key=secret',
      300,
      {
        kind: 'jwt',
        signMethod: 'HS256',
        publicKeyPath: undefined,
        privateKeyPath: 'secret',
        ttlMs: 90_000,
      },
    ],
  ])('of %j with --auth-token-ttl=%i is read', (text, ttlSeconds, setting) => {
    expect(parseAuthToken(text, ttlSeconds)).toEqual(setting);
  });

  it.each([
    ['other', 'unknown --auth-token "other"'],
    ['jwt', 'sign-method= is not one of RS256'],
    ['jwt,sign-method=none', 'sign-method=none is not one of'],
    ['jwt,sign-method=RS256,sign-method=RS256', '"sign-method=RS256" is not one of'],
    ['jwt,sign-method=RS256,secret=x', '"secret=x" is not one of'],
    ['jwt,sign-method=RS256,ttl', '"ttl" is not one of'],
    ['jwt,sign-method=RS256,ttl=0', 'ttl=0 is no duration'],
  ])('of %j is refused', (text, reason) => {
    expect(() => parseAuthToken(text, 300)).toThrow(reason);
  });
});
