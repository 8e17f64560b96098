/** How a listener or an advertised address is reached; `unix` and `unixs` are sockets in the file system. */
export type EndpointScheme = 'http' | 'https' | 'unix' | 'unixs';

/**
 * One parsed URL of a flag such as --listen-client-urls. The parser guarantees: `host` and `port` are set for http and
 * https, `path` is set for unix and unixs, and nothing else is (no path, query or user on a TCP URL).
 */
export interface EndpointUrl {
  readonly scheme: EndpointScheme;
  /** IP address (IPv6 without brackets) or host name; empty for unix sockets. */
  readonly host: string;
  /** 0 to 65535, where 0 asks the system for a free port; 0 for unix sockets. */
  readonly port: number;
  /** Path of the socket file, as given (etcd also puts `host:port` there); empty for TCP. */
  readonly path: string;
  /** The canonical text: `scheme://host:port` or `unix://path`. What is announced to clients and other members. */
  readonly href: string;
}
