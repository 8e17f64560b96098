/**
 * Flags for Node under which the benchmarks start all servers and clients; the README advises them. V8 judges
 * memory outside of its heap, which is where buffers lie, like memory inside: else every 64 MiB of messages
 * set the collector off, for milliseconds each time, over a heap of a few megabytes. And it need not search
 * a heap that is small.
 */
export const collectorFlags: readonly string[] = [
  '--external-memory-accounted-in-global-limit',
  '--initial-old-space-size=128',
];
