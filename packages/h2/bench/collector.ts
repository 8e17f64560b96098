import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 judge memory outside of its heap, which is where buffers lie, like memory inside: else every 64 MiB
 * of messages set the collector off, for milliseconds each time, over a heap of a few megabytes. And it need
 * not search a heap of less than 96 MiB. Advised in the README; here for all servers and clients alike.
 */
export function tuneCollector(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--initial-old-space-size=96');
}
