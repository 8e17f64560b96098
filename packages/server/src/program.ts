import type { NetworkInterfaceInfo } from 'node:os';
import { type CommandLine, parseCommandLine } from './config/command-line.ts';
import { ConfigError } from './config/config-error.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { ServerConfig } from './config/server-config.ts';
import { DiscoveryError } from './discovery/discovery-error.ts';
import { systemdNotifier } from './node-systemd.ts';
import { bugFields, dieOnUncaughtErrors, drain, openLog, type ProcessLog } from './process-log.ts';
import { exitCodeOf, exitCodeOfBug, runMember } from './run-member.ts';
import { ETCD_VERSION, versionText } from './version.ts';

// What only a server needs is imported once the command line is known to ask for one.

/**
 * The whole program: reads the command line, answers it or runs a server until it ends, and resolves with the exit
 * code. Installs handlers of the process, so it is called once.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  if (args[0] === 'dev-cluster') {
    const { runDevCluster } = await import('./dev-cluster/program.ts');
    return runDevCluster(args.slice(1));
  }
  if (args[0] === 'gateway') {
    const { runGateway } = await import('./gateway/program.ts');
    return runGateway(args.slice(1));
  }
  if (args[0] === 'discovery') {
    const { runDiscovery } = await import('./discovery/service/program.ts');
    return runDiscovery(args.slice(1));
  }
  if (args[0] === 'grpc-proxy') {
    const { runGrpcProxy } = await import('./grpc-proxy/program.ts');
    return runGrpcProxy(args.slice(1));
  }
  let commandLine: CommandLine;
  try {
    commandLine = parseCommandLine(args);
  } catch (error) {
    if (error instanceof ConfigError) {
      const { usageText } = await import('./config/help.ts');
      const { suggestionFor } = await import('./config/suggestion.ts');
      process.stderr.write(`${error.message}\n${suggestionFor(error.message)}${usageText}`);
      return error.exitCode;
    }
    throw error;
  }
  if (commandLine.help) {
    const { printHelp } = await import('./config/help.ts');
    printHelp(process.stderr, process.stdout);
    return 0;
  }
  if (commandLine.positional === undefined && commandLine.values.bool('version')) {
    process.stdout.write(versionText());
    return 0;
  }
  return serve(commandLine);
}

async function serve(commandLine: CommandLine): Promise<number> {
  let loaded: LoadedConfig;
  let log: ProcessLog;
  try {
    loaded = await readConfig(commandLine);
    log = await openLog(loaded.config);
  } catch (error) {
    if (error instanceof ConfigError) {
      return refuse(error);
    }
    throw error;
  }
  const { config, notices } = loaded;
  const { logger, sink } = log;
  dieOnUncaughtErrors(log);
  logger.info('Running: ', { args: process.argv });
  for (const notice of notices) {
    logger[notice.level](notice.message, notice.fields);
  }
  try {
    return await startAndRun(config, log);
  } catch (error) {
    const code = exitCodeOf(error);
    const fields = code === exitCodeOfBug ? bugFields(error) : { error: messageOf(error) };
    const isOfDiscovery = error instanceof DiscoveryError;
    logger.fatal(isOfDiscovery ? 'discovery failed' : 'failed to start etcd', fields);
    await drain(sink);
    const remedy = isOfDiscovery ? error.remedy : [];
    process.stderr.write([messageOf(error), ...remedy].map((line) => `kvorum: ${line}\n`).join(''));
    return code;
  } finally {
    await drain(sink);
  }
}

async function readConfig(commandLine: CommandLine): Promise<LoadedConfig> {
  const { loadConfig } = await import('./config/load-config.ts');
  const { verifyFounding } = await import('./config/founding.ts');
  const { readFile } = await import('node:fs/promises');
  const { networkInterfaces } = await import('node:os');
  const loaded = await loadConfig(commandLine, {
    environment: process.env,
    defaultHost: firstPublicAddress(networkInterfaces()),
    readFile: (path) => readFile(path, 'utf8'),
  });
  verifyFounding(loaded.config);
  return loaded;
}

async function startAndRun(config: ServerConfig, log: ProcessLog): Promise<number> {
  const { Metrics } = await import('./metrics/metrics.ts');
  const { collectProcessMetrics } = await import('./metrics/process-metrics.ts');
  const { startMember } = await import('./server.ts');
  const metrics = new Metrics({ detail: config.metrics, serverVersion: ETCD_VERSION });
  collectProcessMetrics(metrics);
  const systemd = systemdNotifier(log.logger);
  return runMember(
    config,
    { logger: log.logger, metrics, startMember },
    {
      onSignal(callback) {
        let isStopping = false;
        const stop = (signal: string) => {
          isStopping = true;
          callback(signal);
        };
        process.on('SIGINT', () => stop('interrupt'));
        process.on('SIGTERM', () => stop('terminated'));
        if (!config.kvorumStopWithStdin) return;
        // Not as the second request, which ends the process at once.
        onInputEnd(() => isStopping || stop('end of input'));
      },
      exitNow(code) {
        log.sink.flushNow();
        process.exit(code);
      },
      tell(state) {
        void systemd.tell(state === 'serving' ? 'READY=1' : 'STOPPING=1');
      },
    },
  );
}

/** Calls back once when nothing more can come on standard input; what comes is nobody's business. */
function onInputEnd(callback: () => void): void {
  const { stdin } = process;
  stdin.once('close', callback);
  // The stream is closed after an error.
  stdin.on('error', () => {});
  stdin.resume();
}

/** Says why a configuration was refused: a line for machines as etcd writes it, and one for people. */
async function refuse(error: ConfigError): Promise<number> {
  const { logger, sink } = await openLog({
    logLevel: 'info',
    logFormat: 'json',
    logOutputs: ['default'],
  });
  logger.warn('failed to verify flags', { error: error.message });
  await drain(sink);
  process.stderr.write(`kvorum: ${error.message}\n`);
  return error.exitCode;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first IPv4 address of this machine that is not loopback. */
function firstPublicAddress(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string | undefined {
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  return addresses.find((address) => !address.internal && address.family === 'IPv4')?.address;
}
