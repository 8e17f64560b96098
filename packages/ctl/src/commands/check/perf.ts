import { ExitError, exitCodes } from '../../exit-error.ts';
import { durationFlag } from '../../flags/flag.ts';
import { openProgress } from '../../output/progress.ts';
import { defineCommand } from '../../program/command.ts';
import { CheckPrefix, clientsOf, defragment, longOptions } from './check-prefix.ts';
import { Latencies } from './latencies.ts';
import { perfVerdict } from './perf-verdict.ts';
import { checkFlags, workloadOf } from './workload.ts';
import { writeKeys } from './write-load.ts';

export const perf = defineCommand({
  use: 'perf [options]',
  flags: {
    ...checkFlags('performance'),
    duration: durationFlag('How long to write. etcdctl has no such flag.', '1m0s'),
  },
  run: async (invocation) => {
    const { flags, host } = invocation;
    const { clientCount, writesPerSecond } = workloadOf(flags.load);
    const endpoints = await invocation.endpoints();
    const client = await invocation.client();
    const prefix = new CheckPrefix(invocation, client, flags.prefix);
    await prefix.mustBeEmpty(`'etcdctl del --prefix ${flags.prefix}'`);
    const interrupted = host.interrupted();
    const latencies = new Latencies();
    const { duration: durationMs } = flags;
    const clients = await clientsOf(invocation, endpoints, clientCount);
    const startMs = host.now();
    let elapsedMs = 0;
    try {
      const total = Math.round((writesPerSecond * durationMs) / 1000);
      using progress = await openProgress(host, { unit: 'writes', total });
      await writeKeys({
        host,
        clients,
        prefix: flags.prefix,
        ...longOptions(invocation),
        writesPerSecond,
        durationMs,
        signal: interrupted,
        latencies,
        onWritten: (count) => progress.update(count),
      });
      elapsedMs = host.now() - startMs;
    } finally {
      await prefix.cleanUp(flags);
    }
    if (interrupted.aborted) throw new ExitError(exitCodes.interrupted, '');
    if (flags['auto-defrag']) await defragment(invocation, endpoints);
    const { hasPassed, lines } = perfVerdict(latencies, elapsedMs, writesPerSecond);
    for (const line of lines) invocation.writeLine(line);
    return hasPassed ? exitCodes.ok : exitCodes.error;
  },
});
