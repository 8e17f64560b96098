#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type CommandLine, parseCommandLine } from './config/command-line.ts';
import { ConfigError } from './config/config-error.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { ProcessLogger } from './logging/pino-logger.ts';
import { exitCodeOf, exitCodeOfBug, runMember } from './run-member.ts';
import { ETCD_VERSION, KVORUM_VERSION } from './version.ts';

// Everything heavy is imported after the command line is known to ask for a server: --version and --help answer
// about as fast as Node starts.

const subcommands = ['gateway', 'grpc-proxy'];

async function main(args: readonly string[]): Promise<number> {
  if (subcommands.includes(args[0] ?? '')) {
    process.stderr.write(`kvorum: ${args[0]} is not supported yet by this version of Kvorum\n`);
    return 1;
  }
  let commandLine: CommandLine;
  try {
    commandLine = parseCommandLine(args);
  } catch (error) {
    if (error instanceof ConfigError) {
      const { usageText } = await import('./config/help.ts');
      process.stderr.write(`${error.message}\n${usageText}`);
      return error.exitCode;
    }
    throw error;
  }
  if (commandLine.help) {
    const { helpText, usageText } = await import('./config/help.ts');
    process.stderr.write(`${usageText}\n`);
    process.stdout.write(helpText());
    return 0;
  }
  if (commandLine.positional === undefined && commandLine.values.bool('version')) {
    process.stdout.write(versionText());
    return 0;
  }
  return serve(commandLine);
}

function versionText(): string {
  return [
    `etcd Version: ${ETCD_VERSION}`,
    `Kvorum Version: ${KVORUM_VERSION}`,
    `Node Version: ${process.version}`,
    `Node OS/Arch: ${process.platform}/${process.arch}`,
    '',
  ].join('\n');
}

async function serve(commandLine: CommandLine): Promise<number> {
  let loaded: LoadedConfig;
  try {
    const { loadConfig } = await import('./config/load-config.ts');
    const { verifyFounding } = await import('./config/founding.ts');
    loaded = await loadConfig(commandLine, {
      environment: process.env,
      defaultHost: firstPublicAddress(),
      readFile: (path) => readFile(path, 'utf8'),
    });
    verifyFounding(loaded.config);
  } catch (error) {
    if (error instanceof ConfigError) {
      return refuse(error);
    }
    throw error;
  }
  const { config, notices } = loaded;
  let logger: ProcessLogger;
  try {
    logger = await openLogger(config);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse(new ConfigError('invalid', `cannot open --log-outputs: ${reason}`));
  }
  dieOnUncaughtErrors(logger);
  logger.info('Running: ', { args: process.argv });
  for (const notice of notices) {
    logger[notice.level](notice.message, notice.fields);
  }
  try {
    return await startAndRun(config, logger);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = exitCodeOf(error);
    const stack = code === 1 || !(error instanceof Error) ? {} : { stack: error.stack };
    logger.fatal('failed to start etcd', { error: message, ...stack });
    process.stderr.write(`kvorum: ${message}\n`);
    return code;
  } finally {
    logger.flush();
  }
}

async function startAndRun(config: ServerConfig, logger: ProcessLogger): Promise<number> {
  const { Metrics } = await import('./metrics/metrics.ts');
  const { collectProcessMetrics } = await import('./metrics/process-metrics.ts');
  const { startMember } = await import('./server.ts');
  const metrics = new Metrics({ detail: config.metrics, serverVersion: ETCD_VERSION });
  collectProcessMetrics(metrics);
  return runMember(
    config,
    { logger, metrics, startMember },
    {
      onSignal(callback) {
        process.on('SIGINT', () => callback('interrupt'));
        process.on('SIGTERM', () => callback('terminated'));
      },
      exitNow(code) {
        logger.flush();
        process.exit(code);
      },
    },
  );
}

async function openLogger(config: Pick<ServerConfig, 'logLevel' | 'logFormat' | 'logOutputs'>) {
  const { openLogSink } = await import('./logging/log-sink.ts');
  const { createLogger } = await import('./logging/pino-logger.ts');
  const sink = openLogSink(config.logOutputs, config.logFormat);
  return createLogger({ level: config.logLevel, sink, nowMs: Date.now });
}

/** Says why a configuration was refused: a line for machines as etcd writes it, and one for people. */
async function refuse(error: ConfigError): Promise<number> {
  const logger = await openLogger({
    logLevel: 'info',
    logFormat: 'json',
    logOutputs: ['default'],
  });
  logger.warn('failed to verify flags', { error: error.message });
  logger.flush();
  process.stderr.write(`kvorum: ${error.message}\n`);
  return error.exitCode;
}

/** A bug must not be survived: the state it left behind can't be trusted with data. */
function dieOnUncaughtErrors(logger: ProcessLogger): void {
  process.on('uncaughtException', (error: Error) => {
    logger.fatal('uncaught error; the process ends', {
      kind: error.name,
      error: error.message,
      ...details(error),
      stack: error.stack,
    });
    process.exit(exitCodeOfBug);
  });
}

/** What an error carries besides its message, such as the values of a broken invariant. */
function details(error: Error): Record<string, unknown> {
  const { name: _name, message: _message, stack: _stack, ...rest } = { ...error };
  return rest;
}

/** The first address of this machine that is not loopback; IPv4 if there is one. */
function firstPublicAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const usable = addresses.filter((address) => !address.internal);
  const ipv4 = usable.find((address) => address.family === 'IPv4');
  return ipv4?.address;
}

// A reader that closes early (`--help | head`) is no error.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const exitCode = await main(process.argv.slice(2));
process.exit(exitCode);
