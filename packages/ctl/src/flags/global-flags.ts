import {
  booleanFlag,
  durationFlag,
  type FlagValues,
  integerFlag,
  listFlag,
  stringFlag,
} from './flag.ts';

const insecureUsage =
  'skip server certificate verification (CAUTION: this option should be enabled only for testing purposes)';

/** The flags that every command of kvctl takes. */
export const globalFlags = {
  'auth-jwt-token': stringFlag(
    'JWT token used for authentication (if this option is used, --user and --password should not be set)',
  ),
  cacert: stringFlag('verify certificates of TLS-enabled secure servers using this CA bundle'),
  cert: stringFlag('identify secure client using this TLS certificate file'),
  'command-timeout': durationFlag(
    'timeout for short running command (excluding dial timeout)',
    '5s',
  ),
  debug: booleanFlag('enable client-side debug logging'),
  'dial-timeout': durationFlag('dial timeout for client connections', '2s'),
  'discovery-srv': stringFlag(
    'domain name to query for SRV records describing cluster endpoints',
    '',
    'd',
  ),
  'discovery-srv-name': stringFlag('service name to query when using DNS discovery'),
  endpoints: listFlag('gRPC endpoints', ['127.0.0.1:2379']),
  hex: booleanFlag('print byte strings as hex encoded strings'),
  'insecure-discovery': booleanFlag(
    'accept insecure SRV records describing cluster endpoints',
    true,
  ),
  'insecure-skip-tls-verify': booleanFlag(insecureUsage),
  'insecure-transport': booleanFlag('disable transport security for client connections', true),
  'keepalive-time': durationFlag('keepalive time for client connections', '2s'),
  'keepalive-timeout': durationFlag('keepalive timeout for client connections', '6s'),
  key: stringFlag('identify secure client using this TLS key file'),
  'max-recv-bytes': integerFlag(
    'client-side response receive limit in bytes (if 0, it defaults to "math.MaxInt32")',
  ),
  'max-request-bytes': integerFlag(
    'client-side request send limit in bytes (if 0, it defaults to 2.0 MiB (2 * 1024 * 1024).)',
  ),
  password: stringFlag(
    "password for authentication (if this option is used, --user option shouldn't include password)",
  ),
  user: stringFlag('username[:password] for authentication (prompt if password is not supplied)'),
  'write-out': stringFlag(
    'set the output format (fields, json, protobuf, simple, table)',
    'simple',
    'w',
  ),
};

/** Values of the global flags. */
export type GlobalFlags = FlagValues<typeof globalFlags>;
