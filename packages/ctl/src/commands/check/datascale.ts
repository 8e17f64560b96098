import { MetricsText } from '../../doctor/metrics-text.ts';
import { ExitError, exitCodes } from '../../exit-error.ts';
import { openProgress } from '../../output/progress.ts';
import { defineCommand } from '../../program/command.ts';
import { tlsOptions } from '../../program/connect-options.ts';
import type { Invocation } from '../../program/invocation.ts';
import { CheckPrefix, clientsOf, defragment, longOptions } from './check-prefix.ts';
import { Latencies } from './latencies.ts';
import { failureLines } from './perf-verdict.ts';
import { checkFlags, workloadOf } from './workload.ts';
import { writeKeys } from './write-load.ts';

export const datascale = defineCommand({
  use: 'datascale [options]',
  long: `
If no endpoint is provided, localhost will be used. If multiple endpoints are provided, first endpoint will be used.`,
  flags: checkFlags('datascale'),
  run: async (invocation) => {
    const { flags, host } = invocation;
    const { clientCount, keyCount } = workloadOf(flags.load);
    const endpoints = (await invocation.endpoints()).slice(0, 1);
    const client = await invocation.clientOf(endpoints);
    const prefix = new CheckPrefix(invocation, client, flags.prefix);
    await prefix.mustBeEmpty(`etcdctl del --prefix ${flags.prefix}`);
    const bytesBefore = await memoryOf(invocation, endpoints, 'before');
    invocation.writeLine(
      `Start data scale check for work load [${keyCount} key-value pairs, 1024 bytes per key-value, ${clientCount} concurrent clients].`,
    );
    const interrupted = host.interrupted();
    const latencies = new Latencies();
    const clients = await clientsOf(invocation, endpoints, clientCount);
    let bytesAfter = 0;
    try {
      using progress = await openProgress(host, { unit: 'keys', total: keyCount });
      await writeKeys({
        host,
        clients,
        prefix: flags.prefix,
        ...longOptions(invocation),
        writeCount: keyCount,
        signal: interrupted,
        latencies,
        onWritten: (count) => progress.update(count),
      });
      if (!interrupted.aborted) bytesAfter = await memoryOf(invocation, endpoints, 'after');
    } finally {
      await prefix.cleanUp(flags);
    }
    if (interrupted.aborted) throw new ExitError(exitCodes.interrupted, '');
    if (flags['auto-defrag']) await defragment(invocation, endpoints);
    const failed = failureLines(latencies);
    for (const line of failed) invocation.writeLine(line);
    if (failed.length > 0) return exitCodes.error;
    const used = ((bytesAfter - bytesBefore) / (1024 * 1024)).toFixed(2);
    invocation.writeLine(`PASS: Approximate system memory used : ${used} MB.`);
    return exitCodes.ok;
  },
});

/** Memory that the member says it has. Rejects with `ExitError` when it does not say. */
async function memoryOf(
  invocation: Invocation,
  endpoints: readonly string[],
  moment: 'before' | 'after',
): Promise<number> {
  const globals = invocation.globals();
  const timeoutMs = globals['command-timeout'];
  try {
    const { httpPage } = await import('../../doctor/http-page.ts');
    const [endpoint = ''] = endpoints;
    const { text } = await httpPage(endpoint, '/metrics', tlsOptions(globals), timeoutMs);
    const bytes = new MetricsText(text).value('process_resident_memory_bytes');
    if (bytes !== undefined) return bytes;
  } catch (error) {
    invocation.writeLine(`fetch error: ${(error as Error).message}`);
  }
  invocation.writeLine(
    `FAIL: Could not read process_resident_memory_bytes ${moment} the put operations.`,
  );
  throw new ExitError(exitCodes.error, '');
}
