import { describe, expect, it } from 'vitest';
import { shrink } from './shrink.ts';

const numbers = Array.from({ length: 100 }, (_, index) => index);
const always = () => true;

describe('shrink', () => {
  it('keeps what makes a sequence fail, and nothing else', async () => {
    const fails = async (list: readonly number[]) => list.includes(17) && list.includes(83);
    expect(await shrink(numbers, fails, always)).toEqual([17, 83]);
  });

  it('ends when told to, with a sequence that fails', async () => {
    let tries = 0;
    const fails = async (list: readonly number[]) => list.includes(17);
    const shorter = await shrink(numbers, fails, () => tries++ < 3);
    expect(shorter).toContain(17);
    expect(shorter.length).toBeLessThan(100);
  });

  it('leaves a sequence alone that fails only as a whole', async () => {
    const fails = async (list: readonly number[]) => list.length === 100;
    expect(await shrink(numbers, fails, always)).toEqual(numbers);
  });
});
