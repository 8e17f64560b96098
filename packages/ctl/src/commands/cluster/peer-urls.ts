import { ExitError, exitCodes } from '../../exit-error.ts';

/** The URLs of --peer-urls, checked as etcd's client checks them before it asks the server. Throws `ExitError`. */
export function peerUrls(text: string): string[] {
  const urls = text.split(',');
  for (const url of urls) {
    const problem = problemOf(url.trim());
    if (problem !== undefined) throw new ExitError(exitCodes.error, `${problem}: ${url}`);
  }
  return urls;
}

function problemOf(url: string): string | undefined {
  const [, scheme = '', address = '', path = ''] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/([^/]*)(\/.*)?)?/i.exec(url) ?? [];
  if (!/^(https?|unixs?)$/i.test(scheme)) return 'URL scheme must be http, https, unix, or unixs';
  if (/^unix/i.test(scheme)) return undefined;
  if (!/^(\[[^\]]*\]|[^:[\]]*):\d*$/.test(address)) {
    return 'URL address does not have the form "host:port"';
  }
  return path === '' ? undefined : 'URL must not contain a path';
}
