import { effectiveCost } from '../auth/bcrypt-hashing.ts';
import { buildConfig } from './build-config.ts';
import type { CommandLine } from './command-line.ts';
import { ConfigError } from './config-error.ts';
import { readConfigDocument } from './config-file.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { flagTable } from './flag-table.ts';
import type { FlagValues } from './flag-values.ts';
import type { Notice } from './notice.ts';
import { tlsNotices } from './secure-urls.ts';
import type { ServerConfig } from './server-config.ts';

/** The parts of the outer world a configuration is read from. */
export interface ConfigSources {
  readonly environment: Environment;
  /** An address others may reach this machine at; undefined when it has only loopback. */
  readonly defaultHost: string | undefined;
  /** The text of a file; rejects when it can't be read. */
  readFile(path: string): Promise<string>;
}

/** A complete configuration and what is to be logged about how it came about. */
export interface LoadedConfig {
  readonly config: ServerConfig;
  readonly notices: readonly Notice[];
}

/**
 * Turns a command line into a configuration: from the config file when one is named (everything else is then
 * ignored), else from flags and environment. Rejects with `ConfigError`.
 */
export async function loadConfig(
  commandLine: CommandLine,
  sources: ConfigSources,
): Promise<LoadedConfig> {
  if (commandLine.positional !== undefined) {
    const shown = JSON.stringify(commandLine.positional);
    throw new ConfigError('invalid', `${shown} is not a valid flag`);
  }
  const { values } = commandLine;
  const path = values.text('config-file') || (sources.environment.ETCD_CONFIG_FILE ?? '');
  if (path !== '') {
    return loadFile(path, sources);
  }
  const notices = applyEnvironment(sources.environment, values);
  const config = buildConfig(values, { defaultHost: sources.defaultHost, fromFile: false });
  return {
    config,
    notices: [...notices, ...flagNotices(values), ...configNotices(config), ...tlsNotices(config)],
  };
}

async function loadFile(path: string, sources: ConfigSources): Promise<LoadedConfig> {
  let document: unknown;
  try {
    const text = await sources.readFile(path);
    const { parse } = await import('yaml');
    document = parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('invalid', `cannot read the configuration file ${path}: ${reason}`);
  }
  const { values, notices } = readConfigDocument(document);
  const config = buildConfig(values, { defaultHost: sources.defaultHost, fromFile: true });
  const loaded: Notice = {
    level: 'info',
    message:
      'loaded server configuration, other configuration command line flags and environment ' +
      'variables will be ignored if provided',
    fields: { path },
  };
  return {
    config,
    notices: [
      loaded,
      ...notices,
      ...flagNotices(values),
      ...configNotices(config),
      ...tlsNotices(config),
    ],
  };
}

/** Flags that were accepted although they change nothing. */
function flagNotices(values: FlagValues): Notice[] {
  const notices: Notice[] = [];
  for (const flag of flagTable) {
    if (!values.isGiven(flag.name)) {
      continue;
    }
    if (flag.support === 'legacy') {
      const message = `flag "-${flag.name}" is no longer supported - ignoring.`;
      notices.push({ level: 'warn', message, fields: {} });
    } else if (flag.support === 'no-effect' && values.differsFromDefault(flag)) {
      const message = `--${flag.name} has no effect: Kvorum has no such part to tune`;
      notices.push({ level: 'warn', message, fields: {} });
    }
  }
  return notices;
}

const recommendedMaxRequestBytes = 10 * 1024 * 1024;
const recommendedMaxQuotaBytes = 8 * 1024 ** 3;

/** Settings that work but are probably not what somebody wants. */
function configNotices(config: ServerConfig): Notice[] {
  const notices: Notice[] = [];
  const warn = (message: string, fields: Notice['fields'] = {}): void => {
    notices.push({ level: 'warn', message, fields });
  };
  if (config.name === 'default') {
    warn('it is not recommended to use default name for production', { name: config.name });
  }
  if (config.maxRequestBytes > recommendedMaxRequestBytes) {
    warn('exceeded recommended request limit', {
      'max-request-bytes': config.maxRequestBytes,
      'recommended-request-bytes': recommendedMaxRequestBytes,
    });
  }
  if (
    Number.isFinite(config.quotaBackendBytes) &&
    config.quotaBackendBytes > recommendedMaxQuotaBytes
  ) {
    warn('quota-backend-bytes exceeds the maximum recommended value', {
      'quota-max-bytes': recommendedMaxQuotaBytes,
      'quota-size-bytes': config.quotaBackendBytes,
    });
  }
  const cost = effectiveCost(config.bcryptCost);
  if (cost !== config.bcryptCost) {
    warn('use default bcrypt cost instead of the invalid given cost', {
      'default-cost': cost,
      'given-cost': config.bcryptCost,
    });
  }
  if (config.unsafeNoFsync) {
    warn('fsync is off: a power cut loses acknowledged writes');
  }
  return notices;
}
