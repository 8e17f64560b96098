import { readDescriptorLimit } from '../metrics/process-metrics.ts';

/** What GET /debug/vars tells about the process; the server adds what it knows about raft. */
export function processVars(): Record<string, unknown> {
  return {
    cmdline: process.argv,
    file_descriptor_limit: readDescriptorLimit(),
    memstats: process.memoryUsage(),
  };
}
