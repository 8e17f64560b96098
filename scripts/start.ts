// npm start -- FLAGS: runs one member on this clone's build, with its data in data/<name>.etcd.
// Flags are etcd's; --data-dir moves the data.

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startFlags } from './start-flags.ts';

const root = join(import.meta.dirname, '..');
const { flags, dataFolder, endpoint } = startFlags(process.argv.slice(2), process.env, root);
if (dataFolder !== undefined) mkdirSync(dirname(dataFolder), { recursive: true });

console.error(`
Kvorum starts one member${dataFolder === undefined ? '' : `, data in ${dataFolder}`}.
Talk to it from another terminal, with etcd's own etcdctl (3.4 or later):

  etcdctl --endpoints=${endpoint} put greeting hello
  etcdctl --endpoints=${endpoint} get greeting

Ctrl-C stops it.
`);

// The server takes this process's place, so that signals and its exit code pass unchanged.
const server = join(root, 'bin/kvorum');
process.execve?.(server, [server, ...flags], process.env);
