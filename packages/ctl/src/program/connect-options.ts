import { readFileSync } from 'node:fs';
import type { ConnectOptions, Credentials, TlsOptions } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../exit-error.ts';
import type { GlobalFlags } from '../flags/global-flags.ts';
import type { Input } from '../host.ts';
import { checkPemFiles, type PemFile, type PemFlags } from './check-pem.ts';

/** The largest request unless --max-request-bytes says otherwise, as in etcd's client. */
const defaultMaxRequestBytes = 2 * 1024 * 1024;

/** What the global flags say about the connection, to one set of endpoints. */
export function connectOptions(
  flags: GlobalFlags,
  endpoints: readonly string[],
  credentials: Credentials | undefined,
): ConnectOptions {
  const tls = tlsOptions(flags);
  const token = flags['auth-jwt-token'];
  const maxReceiveBytes = Number(flags['max-recv-bytes']);
  const maxSendBytes = Number(flags['max-request-bytes']);
  return {
    endpoints,
    timeoutMs: flags['command-timeout'],
    dialTimeoutMs: flags['dial-timeout'],
    keepaliveIntervalMs: flags['keepalive-time'],
    keepaliveTimeoutMs: flags['keepalive-timeout'],
    ...(tls === undefined ? {} : { tls }),
    ...(token === '' ? {} : { token }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(maxReceiveBytes > 0 ? { maxReceiveBytes } : {}),
    maxSendBytes: maxSendBytes > 0 ? maxSendBytes : defaultMaxRequestBytes,
  };
}

/** The flags that say how a server is known, and what it knows us by. */
export type TlsFlags = Pick<
  GlobalFlags,
  'cacert' | 'cert' | 'discovery-srv' | 'insecure-skip-tls-verify' | 'insecure-transport' | 'key'
>;

const namesOfFlags: PemFlags = { cacert: '--cacert', cert: '--cert', key: '--key' };

/** Undefined: endpoints without a scheme are spoken to in the clear. `names` are for the texts of errors. */
export function tlsOptions(flags: TlsFlags, names = namesOfFlags): TlsOptions | undefined {
  const { cert, key, cacert } = flags;
  const insecureSkipVerify = flags['insecure-skip-tls-verify'];
  const domain = flags['discovery-srv'];
  const isWanted = [cert, key, cacert, domain].some((value) => value !== '');
  if (!isWanted && flags['insecure-transport'] && !insecureSkipVerify) return undefined;
  if ((cert === '') !== (key === '')) {
    throw badArguments(`KeyFile and CertFile must both be present[key: ${key}, cert: ${cert}]`);
  }
  const files = { cacert: pemOf(cacert), cert: pemOf(cert), key: pemOf(key) };
  checkPemFiles(files, names);
  return {
    ...(files.cacert === undefined ? {} : { ca: files.cacert.text }),
    ...(files.cert === undefined ? {} : { cert: files.cert.text }),
    ...(files.key === undefined ? {} : { key: files.key.text }),
    // Who answers for a domain shows a certificate of the domain.
    ...(domain === '' ? {} : { serverName: domain }),
    insecureSkipVerify,
  };
}

function pemOf(path: string): PemFile | undefined {
  if (path === '') return undefined;
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file or directory' : (error as Error).message;
    throw badArguments(`open ${path}: ${reason}`);
  }
}

/** User and password of --user and --password; asks for the password when there is none. */
export async function credentialsOf(
  flags: GlobalFlags,
  stdin: Input,
): Promise<Credentials | undefined> {
  const { user, password } = flags;
  if (user === '' || flags['auth-jwt-token'] !== '') return undefined;
  if (password !== '') return { name: user, password };
  const colon = user.indexOf(':');
  if (colon >= 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
  if (!stdin.isTerminal) {
    throw new ExitError(exitCodes.error, 'inappropriate ioctl for device');
  }
  return { name: user, password: await stdin.readSecret('Password: ') };
}
