import { ClientError } from '../errors.ts';

/** One member's client address, taken apart. */
export interface Endpoint {
  /** As the user wrote it; what errors and reports call it. */
  readonly text: string;
  /** Whether it asks for TLS: yes, no, or as the client's options say. */
  readonly security: 'tls' | 'plain' | 'by-options';
  /** Where to connect to. */
  readonly address:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string };
  /** For `:authority`, such as `localhost:2379`. */
  readonly authority: string;
}

const schemes: Readonly<Record<string, Endpoint['security']>> = {
  http: 'plain',
  https: 'tls',
  unix: 'by-options',
  unixs: 'tls',
};

/** The port of an address that names none, as etcd's client takes it from its scheme. */
const defaultPorts: Readonly<Record<Endpoint['security'], number>> = {
  plain: 80,
  tls: 443,
  'by-options': 443,
};

/**
 * Reads `host:port`, `http://…`, `https://…`, `unix://path` or `unixs://path`; IPv6 in brackets. Without a scheme,
 * TLS is used when the client's options have any. Throws `ClientError` "configuration" for anything else.
 */
export function parseEndpoint(text: string): Endpoint {
  const [, scheme, rest = ''] = /^(?:([a-z0-9+.-]+):\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const security = scheme === undefined ? 'by-options' : schemes[scheme.toLowerCase()];
  if (security === undefined || rest === '') throw malformed(text);
  if (scheme?.startsWith('unix') === true) {
    return { text, security, address: { kind: 'unix', path: rest }, authority: 'localhost' };
  }
  const hostAndPort = rest.replace(/\/.*$/s, '');
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d+))?$/.exec(hostAndPort);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = match?.[3] === undefined ? defaultPorts[security] : Number(match[3]);
  if (match === null || port > 65_535 || hostAndPort === '') throw malformed(text);
  // As Go's resolver has it, `:2379` is this machine.
  const address = { kind: 'tcp', host: host === '' ? 'localhost' : host, port } as const;
  return { text, security, address, authority: hostAndPort };
}

function malformed(text: string): ClientError {
  const advice =
    'expected host:port, http://host:port, https://host:port, unix://path or dns+srv://domain';
  return new ClientError({ code: 'configuration', message: `"${text}" is no endpoint: ${advice}` });
}
