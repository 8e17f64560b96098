import { helpFlag, v2Duration, v2Switch, v2Text } from './v2-flags.ts';

const defaultEndpoints = 'http://127.0.0.1:2379,http://127.0.0.1:4001';

/** Options before the name of the command. */
export const v2Globals = {
  debug: v2Switch('debug', 'output cURL commands which can be used to reproduce the request'),
  noSync: v2Switch('no-sync', "don't synchronize cluster information before sending request"),
  output: v2Text('output o', 'output response in the given format (simple, `extended` or `json`)', {
    placeholder: 'simple',
    defaultText: '"simple"',
    defaultValue: 'simple',
  }),
  discoverySrv: v2Text(
    'discovery-srv D',
    'domain name to query for SRV records describing cluster endpoints',
  ),
  insecureDiscovery: v2Switch(
    'insecure-discovery',
    'accept insecure SRV records describing cluster endpoints',
  ),
  peers: v2Text('peers C', 'DEPRECATED - "--endpoints" should be used instead'),
  endpoint: v2Text('endpoint', 'DEPRECATED - "--endpoints" should be used instead'),
  endpoints: v2Text('endpoints', 'a comma-delimited list of machine addresses in the cluster', {
    defaultText: `"${defaultEndpoints}"`,
  }),
  certFile: v2Text('cert-file', 'identify HTTPS client using this SSL certificate file'),
  keyFile: v2Text('key-file', 'identify HTTPS client using this SSL key file'),
  caFile: v2Text('ca-file', 'verify certificates of HTTPS-enabled servers using this CA bundle'),
  username: v2Text(
    'username u',
    'provide username[:password] and prompt if password is not supplied.',
  ),
  timeout: v2Duration('timeout', 'connection timeout per request', '2s'),
  totalTimeout: v2Duration(
    'total-timeout',
    'timeout for the command execution (except watch)',
    '5s',
  ),
  help: helpFlag,
  version: v2Switch('version v', 'print the version'),
};

/** Where to look when nothing says where. */
export const v2DefaultEndpoints = defaultEndpoints.split(',');
