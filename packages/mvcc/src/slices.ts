/** Longest time that background work holds the loop before it lets others run, in milliseconds. */
export const SLICE_MS = 4;

/**
 * Calls `step` until it says that it is done, yielding through `turn` whenever a slice has taken
 * `SLICE_MS`. Each call of `step` should take well below that.
 */
export function runInSlices(
  turn: (fn: () => void) => void,
  now: () => number,
  step: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const slice = (): void => {
      try {
        const start = now();
        do {
          if (step()) {
            resolve();
            return;
          }
        } while (now() - start < SLICE_MS);
        turn(slice);
      } catch (error) {
        reject(error);
      }
    };
    slice();
  });
}
