import { ConfigError } from './config-error.ts';

/** How a listener or an advertised address is reached; `unix` and `unixs` are sockets in the file system. */
export type EndpointScheme = 'http' | 'https' | 'unix' | 'unixs';

/**
 * One parsed URL of a flag such as --listen-client-urls. The parser guarantees: `port` is set for http and https,
 * `path` is set for unix and unixs, and nothing else is (no path, query or user on a TCP URL).
 */
export interface EndpointUrl {
  readonly scheme: EndpointScheme;
  /** IP address (IPv6 without brackets) or host name; empty for unix sockets. */
  readonly host: string;
  /** 0 to 65535, where 0 asks the system for a free port; 0 for unix sockets. */
  readonly port: number;
  /** Path of the socket file, as given (etcd also puts `host:port` there); empty for TCP. */
  readonly path: string;
  /** The text as given, without spaces around: what is announced to clients and other members. */
  readonly href: string;
}

/**
 * Parses a comma-separated list of URLs and sorts it by text, as etcd does before it announces the list.
 * Throws `ConfigError` "invalid" for an empty list or a URL that etcd would refuse.
 */
export function parseEndpointUrls(list: string): EndpointUrl[] {
  return list
    .split(',')
    .map((text) => parseEndpointUrl(text.trim()))
    .sort((a, b) => (a.href < b.href ? -1 : Number(a.href > b.href)));
}

/** Parses one URL; throws `ConfigError` "invalid" in etcd's words. */
export function parseEndpointUrl(text: string): EndpointUrl {
  const match = /^(https?|unixs?):(?:\/\/)?(.*)$/i.exec(text);
  const scheme = match?.[1]?.toLowerCase() as EndpointScheme | undefined;
  if (match === null || scheme === undefined) {
    throw new ConfigError('invalid', `URL scheme must be http, https, unix, or unixs: ${text}`);
  }
  const rest = match[2] ?? '';
  if (scheme === 'unix' || scheme === 'unixs') {
    if (rest === '') {
      throw new ConfigError('invalid', `URL must contain the path of a socket: ${text}`);
    }
    return { scheme, host: '', port: 0, path: rest, href: text };
  }
  const [authority = '', ...path] = rest.split(/(?=[/?#])/);
  const { host, port } = splitHostPort(authority, text);
  if (path.length > 0) {
    throw new ConfigError('invalid', `URL must not contain a path: ${text}`);
  }
  return { scheme, host, port, path: '', href: text };
}

function splitHostPort(authority: string, text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]@]*)):(\d+)$/.exec(authority);
  const port = Number(match?.[3]);
  if (match === null || !(port <= 65535)) {
    throw new ConfigError('invalid', `URL address does not have the form "host:port": ${text}`);
  }
  return { host: match[1] ?? match[2] ?? '', port };
}
