import { readFileSync } from 'node:fs';
import type { ConnectOptions, Credentials, TlsOptions } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../exit-error.ts';
import type { GlobalFlags } from '../flags/global-flags.ts';
import type { Input } from '../host.ts';

/** What the global flags say about the connection, to one set of endpoints. */
export function connectOptions(
  flags: GlobalFlags,
  endpoints: readonly string[],
  credentials: Credentials | undefined,
): ConnectOptions {
  refuseDiscovery(flags);
  const tls = tlsOptions(flags);
  const token = flags['auth-jwt-token'];
  const maxReceiveBytes = Number(flags['max-recv-bytes']);
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
  };
}

/** Another cluster than the one that was meant must never be spoken to, so the flag isn't passed over. */
function refuseDiscovery(flags: GlobalFlags): void {
  const domain = flags['discovery-srv'];
  if (domain === '') return;
  throw badArguments(
    `endpoints of "${domain}" can't be looked up in DNS: --discovery-srv is not supported yet; name them with --endpoints`,
  );
}

/** Undefined: endpoints without a scheme are spoken to in the clear. */
export function tlsOptions(flags: GlobalFlags): TlsOptions | undefined {
  const { cert, key, cacert } = flags;
  const insecureSkipVerify = flags['insecure-skip-tls-verify'];
  const isWanted = [cert, key, cacert].some((file) => file !== '');
  if (!isWanted && flags['insecure-transport'] && !insecureSkipVerify) return undefined;
  if ((cert === '') !== (key === '')) {
    throw badArguments('KeyFile and CertFile must both be present[key: , cert: ]');
  }
  return {
    ...(cacert === '' ? {} : { ca: readPem(cacert) }),
    ...(cert === '' ? {} : { cert: readPem(cert) }),
    ...(key === '' ? {} : { key: readPem(key) }),
    insecureSkipVerify,
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
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
