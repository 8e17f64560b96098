// Where time enters: deadlines of npm's etcd3 are moments of the day, and listeners are added after an `await`.

/** Milliseconds since 1970. */
export const wallClock = (): number => Date.now();

/** Resolves once all that was waiting for a promise has gone on. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
