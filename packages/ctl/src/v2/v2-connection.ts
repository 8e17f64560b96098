import type { Credentials, TlsOptions } from '@kvorum/client';
import { ExitError } from '../exit-error.ts';
import type { Host } from '../host.ts';
import { goQuote } from '../output/go-quote.ts';
import { tlsOptions } from '../program/connect-options.ts';
import { discoverEndpoints } from '../program/discover-endpoints.ts';
import { ClusterApi } from './cluster-api.ts';
import { PlainExit, UnreachableError, v2ExitCodes, v2Failure } from './v2-errors.ts';
import type { V2Values } from './v2-flags.ts';
import { v2DefaultEndpoints, v2Globals } from './v2-globals.ts';
import { V2Http, type V2Request } from './v2-http.ts';

/** Asks the endpoints of the command line and the environment. Rejects with `ExitError` when they make no sense. */
export async function openHttp(host: Host, globals: V2Values): Promise<V2Http> {
  const endpoints = await endpointsOf(host, globals);
  const isDebugging = globals.get(v2Globals.debug);
  return new V2Http({
    endpoints,
    tls: tlsOf(host, globals),
    credentials: await credentialsOf(host, globals),
    headerTimeoutMs: globals.get(v2Globals.timeout),
    after: host.after,
    ...(isDebugging ? { onRequest: (request, at) => printCurl(host, request, at) } : {}),
  });
}

/**
 * Takes over the endpoints that the members of the cluster give for themselves, unless --no-sync forbids it. Rejects
 * with `ExitError` when no endpoint answers, or there are none to take over.
 */
export async function synchronize(
  host: Host,
  globals: V2Values,
  http: V2Http,
  deadline: AbortSignal,
): Promise<void> {
  const debug = (line: string) => {
    if (globals.get(v2Globals.debug)) host.stderr.write(`${line}\n`);
  };
  if (!globals.get(v2Globals.noSync)) {
    const given = http.endpoints.join(',');
    debug(`start to sync cluster using endpoints(${given})`);
    await takeOver(host, http, deadline, given);
    debug(`got endpoints(${http.endpoints.join(',')}) after sync`);
  }
  announce(host, globals, http);
}

/** Says with --debug which endpoints will be asked. */
export function announce(host: Host, globals: V2Values, http: V2Http): void {
  if (!globals.get(v2Globals.debug)) return;
  host.stderr.write(`Cluster-Endpoints: ${http.endpoints.join(', ')}\n`);
}

async function takeOver(
  host: Host,
  http: V2Http,
  deadline: AbortSignal,
  given: string,
): Promise<void> {
  try {
    const members = await new ClusterApi(http).list(deadline);
    const endpoints = members.flatMap(({ clientURLs }) => clientURLs);
    if (endpoints.length > 0) {
      http.endpoints = endpoints;
      return;
    }
  } catch (error) {
    if (error instanceof UnreachableError) throw v2Failure(v2ExitCodes.badConnection, error);
    // A server that can't say who its members are can still have keys.
    return;
  }
  host.stderr.write('etcd cluster has no published client endpoints.\n');
  host.stderr.write(
    `Try '--no-sync' if you want to access non-published client endpoints(${given}).\n`,
  );
  throw new PlainExit(v2ExitCodes.serverError, 'Error:  client: no endpoints available');
}

/** Where DNS is to be asked for endpoints; empty for nowhere. */
function domainOf({ env }: Host, globals: V2Values): string {
  return globals.get(v2Globals.discoverySrv) || (env.ETCDCTL_DISCOVERY_SRV ?? '');
}

/** Throws `ExitError` when files can't be read, or are not what they are given for. */
function tlsOf(host: Host, globals: V2Values): TlsOptions | undefined {
  const { env } = host;
  const flags = {
    cacert: globals.get(v2Globals.caFile) || (env.ETCDCTL_CA_FILE ?? ''),
    cert: globals.get(v2Globals.certFile) || (env.ETCDCTL_CERT_FILE ?? ''),
    key: globals.get(v2Globals.keyFile) || (env.ETCDCTL_KEY_FILE ?? ''),
    'discovery-srv': domainOf(host, globals),
    'insecure-skip-tls-verify': false,
    'insecure-transport': true,
  };
  try {
    return tlsOptions(flags, { cacert: '--ca-file', cert: '--cert-file', key: '--key-file' });
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    throw new PlainExit(v2ExitCodes.badArguments, error.message);
  }
}

async function endpointsOf(host: Host, globals: V2Values): Promise<readonly string[]> {
  const { env } = host;
  const domain = domainOf(host, globals);
  if (domain !== '') {
    const mayBeInsecure = globals.get(v2Globals.insecureDiscovery);
    return await discoverEndpoints(host, { domain, name: '', mayBeInsecure });
  }
  const given =
    globals.get(v2Globals.endpoints) ||
    env.ETCDCTL_ENDPOINTS ||
    globals.get(v2Globals.endpoint) ||
    env.ETCDCTL_ENDPOINT ||
    globals.get(v2Globals.peers) ||
    env.ETCDCTL_PEERS;
  const endpoints = given === undefined || given === '' ? v2DefaultEndpoints : given.split(',');
  for (const endpoint of endpoints) checkUrl(endpoint);
  return endpoints;
}

/** Go's words about what is no URL. */
function checkUrl(endpoint: string): void {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(endpoint)?.[1];
  const quoted = JSON.stringify(endpoint);
  if (endpoint.startsWith(':')) throw badUrl(`parse ${quoted}: missing protocol scheme`);
  if (scheme === undefined && /^[^/]*:/.test(endpoint)) {
    throw badUrl(`parse ${quoted}: first path segment in URL cannot contain colon`);
  }
  if (scheme !== undefined && /^(https?|unixs?)$/i.test(scheme) && URL.canParse(endpoint)) return;
  throw badUrl(
    `${quoted} is no endpoint: write it as http://HOST:PORT, https://HOST:PORT or unix://PATH`,
  );
}

function badUrl(text: string): ExitError {
  return new PlainExit(v2ExitCodes.badArguments, text);
}

/** Asks for the password when there is none. */
async function credentialsOf(host: Host, globals: V2Values): Promise<Credentials | undefined> {
  const user = globals.get(v2Globals.username) || (host.env.ETCDCTL_USERNAME ?? '');
  if (user === '') return undefined;
  const colon = user.indexOf(':');
  if (colon >= 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
  if (!host.stdin.isTerminal) {
    throw new PlainExit(
      v2ExitCodes.badAuth,
      'Error:  --username has no password, and there is no terminal to ask for it; write it as NAME:PASSWORD',
    );
  }
  return { name: user, password: await host.stdin.readSecret('Password: ') };
}

function printCurl(host: Host, { method, path, body }: V2Request, endpoint: string): void {
  const data = body === undefined ? '' : ` -d ${goQuote(body)}`;
  host.stderr.write(`cURL Command: curl -X ${method} ${endpoint}${path}${data}\n`);
}
