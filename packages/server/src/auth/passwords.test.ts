import { describe, expect, it } from 'vitest';
import { bcryptHashing, effectiveCost } from './bcrypt-hashing.ts';
import { Passwords } from './passwords.ts';

const textOf = (base64: string) => Buffer.from(base64, 'base64');

describe('passwords', () => {
  it('are hashed by bcrypt', async () => {
    const passwords = new Passwords(bcryptHashing(4));
    const hash = textOf(await passwords.hash('secret'));
    expect(hash.toString()).toMatch(/^\$2b\$04\$.{53}$/);
    expect(await passwords.isSame('secret', hash)).toBe(true);
    expect(await passwords.isSame('Secret', hash)).toBe(false);
  });

  it('equal the hashes that etcd has of them', async () => {
    const passwords = new Passwords(bcryptHashing(4));
    const hash = Buffer.from('$2a$10$9pz.O6EDuW/ALvm44QR3TuTB8MhC2SSaF7BzL/ANRRcTilKAEaj/u');
    expect(await passwords.isSame('secret', hash)).toBe(true);
    expect(await passwords.isSame('secrets', hash)).toBe(false);
  });

  it('equal no hash that is none', async () => {
    const passwords = new Passwords(bcryptHashing(4));
    for (const hash of ['', 'secret', '$2a$04$']) {
      expect(await passwords.isSame('secret', Buffer.from(hash)), hash).toBe(false);
    }
  });

  it('of more than 72 bytes are refused rather than cut', async () => {
    const passwords = new Passwords(bcryptHashing(4));
    await expect(passwords.hash('é'.repeat(36))).resolves.toBeDefined();
    const error = { status: 2, text: 'bcrypt: password length exceeds 72 bytes' };
    await expect(passwords.hash(`${'é'.repeat(36)}x`)).rejects.toMatchObject(error);
  });

  it('are worked on two at a time, in the order of arrival, and not more than can be done soon', async () => {
    const open: { password: string; finish: (hash: string) => void }[] = [];
    const passwords = new Passwords({
      hash: (password) =>
        new Promise((finish) => {
          open.push({ password, finish });
        }),
      isSame: async () => true,
    });
    const all = Array.from({ length: 1002 }, (_, i) => passwords.hash(`p${i}`));
    await expect(passwords.hash('one more')).rejects.toMatchObject({ code: 'tooManyRequests' });
    expect(open.map(({ password }) => password)).toEqual(['p0', 'p1']);
    open[0]?.finish('h0');
    expect(textOf((await all[0]) ?? '').toString()).toBe('h0');
    expect(open.map(({ password }) => password)).toEqual(['p0', 'p1', 'p2']);
    for (let i = 1; i < all.length; i++) {
      open[i]?.finish(`h${i}`);
      await all[i];
    }
    expect(open.map(({ password }) => password)).toEqual(all.map((_, i) => `p${i}`));
  });

  it.each([
    [10, 10],
    [4, 4],
    [31, 31],
    [3, 10],
    [32, 10],
  ])('of cost %i take cost %i', (given, effective) => {
    expect(effectiveCost(given)).toBe(effective);
  });
});
