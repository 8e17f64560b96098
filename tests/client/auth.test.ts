import { connect } from '@kvorum/client';
import { expect, it } from 'vitest';
import { describeMembers } from './targets.ts';
import { Reading } from './watching.ts';

describeMembers('users and roles', (start) => {
  it('let everybody do what is granted, and watches outlive their token', async () => {
    await using member = await start(['--auth-token-ttl=2']);
    const endpoints = [member.endpoint];
    await using admin = connect({ endpoints });
    const { users, roles } = admin.auth;
    expect(await admin.auth.isEnabled()).toBe(false);
    await expect(admin.auth.enable()).rejects.toMatchObject({ code: 'rootUserNotExist' });
    await users.add('root', 'secret');
    await roles.add('root');
    await users.grantRole('root', 'root');
    await users.add('alice', 'wonder');
    await roles.add('reader');
    await roles.grant('reader', 'read', { prefix: 'open/' });
    await admin.namespace('open/').auth.roles.grant('reader', 'readwrite', 'mine');
    await users.grantRole('alice', 'reader');
    expect(await roles.permissions('reader')).toMatchObject([
      { access: 'read' },
      { access: 'readwrite', rangeEnd: new Uint8Array(0) },
    ]);
    expect(await users.roles('alice')).toEqual(['reader']);
    expect(await users.list()).toEqual(['alice', 'root']);
    expect(await roles.list()).toEqual(['reader', 'root']);
    await admin.auth.enable();

    const credentials = { name: 'alice', password: 'wonder' };
    await using alice = connect({ endpoints, credentials });
    await using root = connect({ endpoints, credentials: { name: 'root', password: 'secret' } });
    await alice.put('open/mine', '1');
    await expect(alice.put('open/other', '1')).rejects.toMatchObject({ code: 'permissionDenied' });
    await expect(alice.get('closed')).rejects.toMatchObject({ code: 'permissionDenied' });
    const refused = new Reading(alice.watch('closed'));
    await expect(refused.ended).rejects.toMatchObject({ code: 'permissionDenied', status: 7 });
    const reading = new Reading(alice.watch({ prefix: 'open/' }));
    await reading.watch.opened;
    await root.put('open/a', '1');
    await reading.until('open/a=1');
    await using cache = alice.cache({ prefix: 'open/' });
    await cache.synced();
    await using closed = alice.cache({ prefix: '' });
    await expect(closed.ready).rejects.toMatchObject({ code: 'permissionDenied' });

    // A restart forgets all tokens: the watch, the next call and the next watch need another.
    await member.kill();
    await member.restart();
    await root.put('open/a', '2');
    await reading.until('open/a=2');
    await alice.put('open/mine', '2');
    await using second = alice.watch('open/mine');
    await second.opened;
    await reading.until('open/mine=2');
    expect(reading.texts).toEqual(['open/a=1', 'open/a=2', 'open/mine=2']);
    await cache.synced();
    expect([...cache].map((entry) => entry.string())).toEqual(['2', '2']);

    await root.auth.users.changePassword('alice', 'other');
    await using late = connect({ endpoints, credentials });
    await expect(late.get('open/a')).rejects.toMatchObject({ code: 'authFailed' });
    const lateReading = new Reading(late.watch('open/a'));
    await expect(lateReading.ended).rejects.toMatchObject({ code: 'authFailed' });
    await root.auth.roles.revoke('reader', { prefix: 'open/' });
    await root.auth.users.revokeRole('alice', 'reader');
    await root.auth.users.delete('alice');
    await root.auth.roles.delete('reader');
    await root.auth.disable();
    expect(await admin.auth.isEnabled()).toBe(false);
    await root.delete({ prefix: '' });
  });
});
