// npm start -- FLAGS: runs one member on this clone's build, with its data in data/default.etcd.
// Flags are etcd's; --data-dir moves the data.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const flags = process.argv.slice(2);

/** Value of `--name VALUE` or `--name=VALUE`; undefined when the flag is not there. */
function flagValue(name: string): string | undefined {
  const at = flags.findIndex((flag) => /^--?/.test(flag) && flag.replace(/^--?/, '') === name);
  if (at >= 0) return flags[at + 1];
  const assigned = flags.find((flag) => flag.replace(/^--?/, '').startsWith(`${name}=`));
  return assigned?.slice(assigned.indexOf('=') + 1);
}

const configured = flagValue('data-dir') ?? process.env.ETCD_DATA_DIR ?? flagValue('config-file');
const dataFolder = join(root, 'data/default.etcd');
if (configured === undefined) {
  mkdirSync(join(root, 'data'), { recursive: true });
  flags.unshift('--data-dir', dataFolder);
}
const endpoint = (flagValue('listen-client-urls') ?? 'http://localhost:2379').split(',')[0];

console.error(`
Kvorum starts one member${configured === undefined ? `, data in ${dataFolder}` : ''}.
Talk to it from another terminal, with etcd's own etcdctl (3.4 or later):

  etcdctl --endpoints=${endpoint} put greeting hello
  etcdctl --endpoints=${endpoint} get greeting

Ctrl-C stops it.
`);

// The server takes this process's place, so that signals and its exit code pass unchanged.
const server = join(root, 'bin/kvorum');
process.execve?.(server, [server, ...flags], process.env);
