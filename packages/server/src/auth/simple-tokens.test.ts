import { describe, expect, it } from 'vitest';
import { SimClock, SimTime } from '../testing/sim-time.ts';
import { SimpleTokens } from './simple-tokens.ts';

const TTL_MS = 300_000;

function tokensUnderTest() {
  const time = new SimTime();
  const member = { appliedIndex: 9, catchUps: 0 };
  let made = 0;
  const tokens = new SimpleTokens({
    clock: new SimClock(time),
    ttlMs: TTL_MS,
    secret: () => `secret${'abc'[made++]}`,
    appliedIndex: () => member.appliedIndex,
    catchUp: async () => {
      member.catchUps += 1;
    },
  });
  return { time, tokens, member };
}

describe('simple tokens', () => {
  it('are letters and the index of their entry', async () => {
    const { tokens } = tokensUnderTest();
    const secret = tokens.newSecret();
    tokens.authenticated('alice', secret, 9);
    const token = await tokens.issue('alice', 4, secret, 9);
    expect(token).toBe('secreta.9');
    expect(tokens.identify(token, 4)).toEqual({ username: 'alice', authRevision: 4 });
  });

  it('are good at any auth revision', () => {
    const { tokens } = tokensUnderTest();
    tokens.authenticated('alice', 'secret', 9);
    expect(tokens.identify('secret.9', 17)).toEqual({ username: 'alice', authRevision: 17 });
  });

  it('end when they were not used for their time, and are forgotten then', async () => {
    const { time, tokens } = tokensUnderTest();
    tokens.authenticated('alice', 'used', 9);
    tokens.authenticated('alice', 'idle', 10);
    await time.run(TTL_MS - 1000);
    expect(tokens.identify('used.9', 1)).toBeDefined();
    await time.run(2000);
    expect(tokens.identify('used.9', 1)).toBeDefined();
    expect(tokens.identify('idle.10', 1)).toBeUndefined();
    await time.run(1000);
    expect(tokens.size).toBe(1);
    await time.run(TTL_MS + 2000);
    expect(tokens.size).toBe(0);
    const { steps } = time;
    await time.run(TTL_MS);
    expect(time.steps).toBe(steps);
  });

  it('end with their user, or all at once', () => {
    const { tokens } = tokensUnderTest();
    tokens.authenticated('alice', 'one', 1);
    tokens.authenticated('bob', 'two', 2);
    tokens.forget('alice');
    expect(tokens.identify('one.1', 1)).toBeUndefined();
    expect(tokens.identify('two.2', 1)).toBeDefined();
    tokens.forgetAll();
    expect(tokens.identify('two.2', 1)).toBeUndefined();
  });

  it('of entries to come are waited for, nothing else is', async () => {
    const { tokens, member } = tokensUnderTest();
    tokens.authenticated('alice', 'known', 10);
    for (const token of [
      'known.10',
      'unknown.9',
      'no token',
      '',
      'x.',
      '.10',
      'x.99999999999999999',
    ]) {
      expect(tokens.prepare(token), token).toBeUndefined();
    }
    await tokens.prepare('unknown.10');
    expect(member.catchUps).toBe(1);
  });

  it('that nobody has heard of are refused when there is no way to find out', async () => {
    const time = new SimTime();
    const tokens = new SimpleTokens({
      clock: new SimClock(time),
      ttlMs: TTL_MS,
      secret: () => 'secret',
      appliedIndex: () => 0,
      catchUp: () => Promise.reject(new Error('no leader')),
    });
    await tokens.prepare('secret.1');
    expect(tokens.identify('secret.1', 1)).toBeUndefined();
  });
});
