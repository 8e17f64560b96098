import type { Host } from './host.ts';

/** Resolves after so many ms, or as soon as the signal fires, or at once when it has fired already. */
export function pause(
  host: Pick<Host, 'after'>,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const finish = () => {
      callOff();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const callOff = host.after(delayMs, finish);
    signal?.addEventListener('abort', finish);
  });
}
