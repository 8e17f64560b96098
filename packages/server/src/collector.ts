import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 judge memory outside of its heap, which is where requests and answers lie, like memory inside: else every
 * 64 MiB of them set the collector off, for milliseconds each time, over a heap of a few megabytes. And it need not
 * search a heap of less than 64 MiB. For the whole process, so only a program that owns it may call this, first of
 * all. Measured in `packages/h2/bench`: an echo of 1 MiB takes half the time.
 */
export function tuneCollector(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--initial-old-space-size=64');
}
