import type { Timers } from '@kvorum/client';

/** What the place that recipes run in gives them. */
export interface RecipeEnvironment {
  /** For pauses between attempts. */
  readonly timers: Timers;
  /** A name that nobody else has, without `/`. */
  uniqueName(): string;
}

/** The platform's timers and random UUIDs, in Node and in browsers. */
export const platformEnvironment: RecipeEnvironment = {
  timers: {
    now: () => performance.now(),
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  },
  uniqueName: () => crypto.randomUUID(),
};
