import { describe, expect, it } from 'vitest';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { play, playOnThree, type Script, type Transcripts } from './session.ts';

// What an operator types who uses authentication, into the real etcdctl: with the real etcd behind it, and with Kvorum.

const real = realEtcd('3.5');
const TIMEOUT_MS = 120_000;

type Player = (real: RealEtcd, script: Script) => Promise<Transcripts>;

const players: readonly (readonly [string, Player])[] = [
  ['one member', play],
  ['three members', playOnThree],
];

const ROOT = '--user=root:secret';
const ALICE = '--user=alice:pw';

describe.skipIf(real === undefined).each(players)('authentication, with %s', (_name, player) => {
  async function sameOnBoth(script: Script): Promise<string> {
    if (real === undefined) throw new Error('no real etcd to compare with');
    const { etcd, kvorum } = await player(real, script);
    expect(kvorum).toEqual(etcd);
    return etcd.join('\n');
  }

  it('knows roles and their permissions', { timeout: TIMEOUT_MS }, async () => {
    const transcript = await sameOnBoth(async (user) => {
      await user.runAll('auth status', 'auth status -w json', 'auth enable', 'auth disable');
      await user.runAll('role add r1', 'role add r1', 'role add r2 -w json', 'role add r3');
      await user.runAll('role list', 'role list -w json', 'role list -w fields');
      await user.runAll(
        'role grant-permission r1 read a b',
        'role grant-permission r1 readwrite --prefix p',
        'role grant-permission r1 write --from-key k',
        'role grant-permission r1 write single',
        'role grant-permission r1 read single',
        'role grant-permission r1 read b a',
        'role grant-permission nosuch read a',
      );
      await user.run('role', 'grant-permission', 'r2', 'read', '--prefix', '');
      await user.run('role', 'grant-permission', 'r2', 'read', '');
      await user.runAll('role get r1', 'role get r1 -w json', 'role get r2', 'role get nosuch');
      await user.runAll(
        'role revoke-permission r1 single',
        'role revoke-permission r1 a b',
        'role revoke-permission r1 a c',
        'role revoke-permission r1 --prefix p',
        'role revoke-permission r1 --from-key k',
        'role revoke-permission r1 single',
        'role revoke-permission nosuch a',
      );
      await user.runAll('role get r1', 'role delete r3', 'role delete r3', 'auth status');
    });
    expect(transcript).toContain('AuthRevision: 16');
  });

  it('knows users, their passwords and their roles', { timeout: TIMEOUT_MS }, async () => {
    await sameOnBoth(async (user) => {
      await user.runAll('role add r1', 'role add r2', 'user add alice:pw', 'user add alice:pw');
      await user.runWithInput('hidden\n', 'user', 'add', 'bob', '--interactive=false');
      await user.runAll('user add carol --new-user-password=x', 'user add dave --no-password');
      await user.runAll('user add :pw', 'user add erin:pw -w json');
      await user.run('user', 'add', `frank:${'x'.repeat(72)}`);
      await user.run('user', 'add', `gina:${'x'.repeat(73)}`);
      await user.runAll('user list', 'user list -w json');
      await user.runAll(
        'user grant-role alice r2',
        'user grant-role alice r1',
        'user grant-role alice r1',
        'user grant-role alice root',
        'user grant-role alice nosuch',
        'user grant-role nosuch r1',
      );
      await user.runAll('user get alice', 'user get alice --detail', 'user get alice -w json');
      await user.runAll('user get bob', 'user get nosuch', 'role delete r2', 'user get alice');
      await user.runAll(
        'user revoke-role alice r2',
        'user revoke-role alice r1',
        'user revoke-role nosuch r1',
      );
      await user.runWithInput('newpw\n', 'user', 'passwd', 'bob', '--interactive=false');
      await user.runWithInput('newpw\n', 'user', 'passwd', 'nosuch', '--interactive=false');
      await user.runAll('user delete dave', 'user delete dave', 'auth status');
    });
  });

  it('is enforced from one command to the next', { timeout: TIMEOUT_MS }, async () => {
    const transcript = await sameOnBoth(async (user) => {
      await user.runAll('put before any', 'auth enable', 'user add root:secret');
      await user.runAll('user add alice:pw', 'role add app');
      await user.runAll('role grant-permission app readwrite app/ --prefix');
      await user.runAll('role grant-permission app read shared', 'user grant-role alice app');
      // It makes the role root, and grants it.
      await user.runAll('auth enable', 'get before', `get before ${ROOT}`, `auth enable ${ROOT}`);
      await user.runAll(`put app/a 1 ${ALICE}`, `get app/ --prefix ${ALICE}`, `get x ${ALICE}`);
      await user.runAll(`put shared 1 ${ALICE}`, `put shared 1 ${ROOT}`, `get shared ${ALICE}`);
      await user.runAll(`get a z ${ALICE}`, `get app/ --from-key ${ALICE}`, `del x ${ALICE}`);
      await user.runAll(`put app/a 2 --prev-kv ${ALICE}`, `del app/ --prefix --prev-kv ${ALICE}`);
      await user.runAll('put app/a 1 --user=alice:wrong', 'put app/a 1 --user=nosuch:pw');
      await user.runAll(`user list ${ALICE}`, `user get alice ${ALICE}`, `user get root ${ALICE}`);
      await user.runAll(`role get app ${ALICE}`, `role get root ${ALICE}`, `role list ${ALICE}`);
      await user.runAll(`user delete root ${ROOT}`, `user revoke-role root root ${ROOT}`);
      await user.runAll(`role delete root ${ROOT}`, `auth status ${ROOT}`, 'auth disable');
      const txn = 'value("shared") = "1"\n\nput app/b 2\nget shared\n\nput app/b 3\n';
      await user.runWithInput(txn, 'txn', ALICE);
      await user.runWithInput(txn.replace('put app/b 3', 'put other 3'), 'txn', ALICE);
      await user.runAll(`role revoke-permission app app/ --prefix ${ROOT}`, `get app/b ${ALICE}`);
      await user.runAll(`user delete alice ${ROOT}`, `get shared ${ALICE}`);
      await user.runAll(`auth disable ${ROOT}`, 'put app/a open', `get app/a ${ROOT}`);
      await user.runAll('user list', 'auth status', 'user delete root');
    });
    expect(transcript).toContain('permission denied');
  });
});
