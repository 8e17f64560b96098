import { startEtcd } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { goldenV2 } from './golden-v2.ts';

const commands =
  'backup cluster-health mk mkdir rm rmdir get ls set setdir update updatedir watch exec-watch';

goldenV2(
  'the command line of v2',
  [
    ...commands.split(' ').map((name) => `${name} --help`),
    'help get',
    'h set',
    'member',
    'member --help',
    'member list --help',
    'member add -h',
    'help member',
    ...['user', 'role', 'auth'].flatMap((group) => [group, `help ${group}`]),
    ...'add get list remove grant revoke passwd'.split(' ').map((name) => `user ${name} --help`),
    ...'add get list remove grant revoke'.split(' ').map((name) => `role ${name} --help`),
    'auth enable --help',
    'auth disable --help',
    '--version',
    '-v',
    'version',
    'import',
    'nosuch',
    'help nosuch',
    'member nosuch',
    'get --nosuch x',
    'get --sort=maybe x',
    'set --ttl abc /x y',
    'set --ttl 99999999999999999999 /x y',
    'set --ttl',
    'get --=x',
    'set /x 1',
    ['--endpoints', '{bare}', '--no-sync', 'get', '/x'],
    ['--endpoints', '::bad::', 'get', '/x'],
    ['-C', 'http://{bare}', 'get', '/x'],
    ['--endpoint', 'http://{bare}', 'get', '/x'],
    ['--endpoints', 'http://127.0.0.1:1', 'get', '/x'],
    ['--endpoints', 'http://127.0.0.1:1', '--no-sync', 'get', '/x'],
    ['--endpoints', 'http://127.0.0.1:1,http://{bare}', '--no-sync', 'get', '/x'],
    ['--endpoints', 'http://127.0.0.1:1', '-o', 'json', 'ls'],
    ['--endpoints', 'http://127.0.0.1:1', 'member', 'list'],
    ['--endpoints', 'http://127.0.0.1:1', 'cluster-health'],
    ['--endpoints', 'http://127.0.0.1:1', 'watch', '/x'],
    { args: 'get /x', env: { ETCDCTL_ENDPOINTS: '', ETCDCTL_PEERS: 'http://{bare}' } },
    { args: 'get /x', env: { ETCDCTL_ENDPOINTS: '', ETCDCTL_ENDPOINT: 'http://{bare}' } },
    '--debug get /x',
    '--debug --no-sync get -q /x',
    ['--debug', '--no-sync', 'set', '/x y', 'a value'],
    '--debug --no-sync mk --in-order --ttl 5 /q job',
    '--debug --no-sync rm -r /q',
    '--debug member list',
    '--debug cluster-health',
    'cluster-health',
    'member list',
    'member list x',
    'member add',
    'member add one',
    'member remove',
    'member remove nosuch',
    'member remove default',
    'member update',
    'member update nosuch http://127.0.0.1:1',
    'member update 1234 nonsense',
  ],
  // Most of it is help: what servers answer is in the other tables.
  { releases: ['3.5'], isForKvorum: false },
);

// As Kvorum is, and etcd unless it is told otherwise.
goldenV2('a server without v2', ['get /x', 'set /x 1', 'ls', 'member list'], {
  start: async () => {
    const real = realEtcd('3.5');
    if (real === undefined) throw new Error('there is no etcd to compare with');
    const member = await startEtcd(real);
    return { endpoint: member.url, [Symbol.asyncDispose]: () => member[Symbol.asyncDispose]() };
  },
});
