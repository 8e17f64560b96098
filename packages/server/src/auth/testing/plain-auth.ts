import type { AuthTools } from '../auth-tools.ts';

const FIRST_LETTER = 97;
const LETTER_COUNT = 26;
const SECRET_LETTERS = 16;

/** For members under simulated time: passwords that are not hidden take none of it, and a seed decides the tokens. */
export function plainAuth(random: () => number): AuthTools {
  const letter = () => String.fromCharCode(FIRST_LETTER + Math.floor(random() * LETTER_COUNT));
  return {
    hashing: {
      hash: async (password) => `plain:${password}`,
      isSame: async (password, hash) => hash === `plain:${password}`,
    },
    secret: () => Array.from({ length: SECRET_LETTERS }, letter).join(''),
    jwtKeys: undefined,
  };
}
