import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundledKvctl } from '../framework/kvctl-bundle.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';
import { unmetDifferences } from './kvctl-differences.ts';
import { play, playOnThree, playWithKvctl, type Script, type Transcripts } from './session.ts';

// etcd's tutorial, typed into the real etcdctl twice: once with Kvorum behind it, once with the real etcd. Every line
// must be the same. Once more it is typed into kvctl, with Kvorum behind it; there what kvctl is known to do
// differently is looked past (`kvctl-differences.ts`). All members have the same ids by their flags, so only lease
// ids, addresses and times are masked.

const real = realEtcd('3.5');

const kvctl = bundledKvctl();

type Player = (real: RealEtcd, script: Script) => Promise<Transcripts>;

/** Plays scripts on both servers and holds Kvorum's transcript to the real one, which it returns. */
function comparing(player: Player): (script: Script) => Promise<string> {
  return async (script) => {
    if (real === undefined) throw new Error('no real etcd to compare with');
    const { etcd, kvorum } = await player(real, script);
    expect(kvorum).toEqual(etcd);
    return etcd.join('\n');
  };
}

const onOne: readonly (readonly [string, Player])[] = [
  ['one member', play],
  ['kvctl in place of etcdctl', (real, script) => playWithKvctl(real, script, kvctl())],
];

/** What Kvorum is: a cluster of one, and one of three where each command goes to another member. */
const clusters = [...onOne, ['three members', playOnThree] as const];

describe.skipIf(real === undefined).each(clusters)('the tutorial, with %s', (_name, player) => {
  const sameOnBoth = comparing(player);

  it('puts and gets keys, ranges and prefixes', async () => {
    const transcript = await sameOnBoth(async (user) => {
      await user.runAll('put foo bar', 'put foo1 bar1', 'put foo2 bar2', 'put foo3 bar3');
      await user.runAll('get foo', 'get foo --hex', 'get foo --print-value-only', 'get nothing');
      await user.runAll('get foo foo3', 'get --prefix foo', 'get --prefix --limit=2 foo');
      await user.runAll('put a 123', 'put b 456', 'put z 789');
      await user.runAll('get --from-key b', 'get --from-key --limit=1 b', 'get foo3 foo');
      await user.run('get', '--prefix', '');
      await user.run('get', '--from-key', '');
      await user.run('get', '');
      await user.runAll('put --prev-kv foo bar_new', 'put --prev-kv new 1', 'get foo -w fields');
      await user.runWithInput('a value\nwith two lines', 'put', 'lines');
      await user.runAll('get lines', 'put --ignore-value foo', 'put --ignore-value nokey');
      await user.runAll(
        'put --ignore-lease foo x',
        'put --ignore-lease nokey x',
        'put --lease=77 k v',
      );
      await user.run('put', 'empty', '');
      await user.run('put', '', 'value');
      await user.runAll('get empty', 'get empty --consistency=s', 'get foo --consistency=l');
      await user.run('get', 'foo', '--consistency=x');
    });
    expect(transcript).toContain('$ etcdctl get foo --hex\n\\x66\\x6f\\x6f\n\\x62\\x61\\x72');
    expect(transcript).toContain('$ etcdctl get nothing\n$ etcdctl');
    expect(transcript).toContain('Error: etcdserver: requested lease not found');
  });

  it('reads the past', async () => {
    const transcript = await sameOnBoth(async (user) => {
      await user.runAll('put foo bar', 'put foo1 bar1', 'put foo bar_new', 'put foo1 bar1_new');
      for (const revision of [0, 1, 2, 3, 4, 5]) {
        await user.runAll(`get --prefix --rev=${revision} foo`);
      }
      await user.runAll('del foo', 'get --rev=5 foo', 'get --rev=6 foo', 'get --rev=7 foo');
      await user.runAll('get --prefix --rev=3 foo -w json', 'get --rev=-1 foo');
    });
    expect(transcript).toContain('etcdserver: mvcc: required revision is a future revision');
  });

  it('keeps bytes that are no text', async () => {
    await sameOnBoth(async (user) => {
      await user.run('put', 'k\u00e9y', 'v\u00e4lue \u{1f511}');
      await user.run('put', 'tab\tkey', '\u0001\u007f');
      await user.run('put', 'quote"', 'back\\slash');
      await user.run('get', '--prefix', '', '--hex');
      await user.run('get', '--prefix', '', '-w', 'json');
      await user.run('get', '--prefix', '', '-w', 'fields');
      await user.run('get', 'k\u00e9y', '--hex', '--print-value-only');
      await user.run('watch', '--rev=1', 'k\u00e9y', '-w', 'table');
    });
  });

  it('sorts, counts and leaves out values', async () => {
    await sameOnBoth(async (user) => {
      await user.runAll('put c 1', 'put a 3', 'put b 2', 'put b 4', 'put a 0', 'put a 5');
      for (const target of ['CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION']) {
        for (const order of ['ASCEND', 'DESCEND']) {
          await user.run('get', '--prefix', '', `--sort-by=${target}`, `--order=${order}`);
        }
        await user.run('get', '--prefix', '', `--sort-by=${target}`, '--limit=2');
      }
      await user.run('get', '--prefix', '', '--order=DESCEND');
      await user.run('get', '--prefix', '', '--order=DOWN');
      await user.run('get', '--prefix', '', '--sort-by=TASTE');
      await user.run('get', '--prefix', '', '--keys-only');
      await user.run('get', '--prefix', '', '--keys-only', '-w', 'json');
      await user.run('get', '--prefix', '', '--count-only', '-w', 'fields');
      await user.run('get', '--prefix', '', '--count-only', '--limit=1', '-w', 'fields');
      await user.run('get', '--prefix', '', '--count-only');
      await user.run('get', '--prefix', '', '--limit=2', '-w', 'json');
    });
  });

  it('deletes keys, ranges and prefixes', async () => {
    await sameOnBoth(async (user) => {
      await user.runAll('put foo bar', 'put foo1 bar1', 'put foo2 bar2', 'put foo3 bar3');
      await user.runAll('put zoo 1', 'put zoo1 2', 'put zoo2 3', 'put a 1', 'put b 2', 'put z 3');
      await user.runAll('del foo', 'del foo', 'del foo1 foo3', 'del --prev-kv zoo');
      await user.runAll('del --prefix zoo', 'del --from-key b', 'get --from-key a');
      await user.runAll('put zoo 4', 'put zoo1 5', 'del --prefix --prev-kv zoo', 'del foo3 foo');
      await user.run('del', '');
      await user.run('del', '--prefix', '', '-w', 'json');
      await user.run('del', '--prefix', '', '--prev-kv', '-w', 'json');
      await user.runAll('put a 1 -w fields', 'del a --prev-kv -w fields', 'get a -w json');
    });
  });

  it('runs transactions', async () => {
    const transcript = await sameOnBoth(async (user) => {
      const txn = (...lines: readonly string[]) => user.runWithInput(lines.join('\n'), 'txn');
      await user.runAll('put user1 bad');
      await txn('value("user1") = "bad"', '', 'del user1', '', 'put user1 good', '', '');
      await txn('value("user1") = "bad"', '', 'del user1', '', 'put user1 good', '', '');
      await txn('ver("user1") > "0"', 'c("user1") != "0"', '', 'get user1', 'put k v', '', '', '');
      await txn(
        'mod("k") < "3"',
        'create("none") = "0"',
        '',
        'put k 2',
        '',
        'get --prefix k',
        '',
        '',
      );
      await txn('', 'put a 1', 'put b 2', 'get --prefix --keys-only a', 'del b', '', '', '');
      await txn('', 'put a 1', 'put a 2', '', '', '');
      await txn('', 'put a 1', 'del --prefix a', '', '', '');
      await txn('', '', '', '');
      await txn('nonsense', '', '', '');
      const input = 'value("user1") = "good"\n\nget user1\n\n\n\n';
      await user.runWithInput(input, 'txn', '-i');
      await user.runWithInput(input, 'txn', '-w', 'json');
      await user.runWithInput(input, 'txn', '-w', 'fields');
      await user.run('get', '--prefix', '', '-w', 'json');
    });
    expect(transcript).toContain('SUCCESS\n\n1\n');
    expect(transcript).toContain('etcdserver: duplicate key given in txn request');
  });

  it('compacts, and refuses to read what is gone', async () => {
    const transcript = await sameOnBoth(async (user) => {
      await user.runAll(
        'put foo 1',
        'put foo 2',
        'put foo 3',
        'put foo1 1',
        'del foo1',
        'put foo 4',
      );
      await user.runAll('compaction 5', 'get --rev=4 foo', 'get --rev=5 foo', 'get foo');
      await user.runAll('get --rev=5 --prefix foo', 'get --rev=6 --prefix foo -w json');
      await user.runAll('compaction 5', 'compaction 3', 'compaction 100', 'compaction x');
      await user.runAll('watch --rev=3 foo', 'compaction --physical 7', 'get --rev=6 foo');
      await user.runAll('get foo -w json', 'put foo 5', 'get foo -w json');
    });
    expect(transcript).toContain('compacted revision 5\n');
    const refusal = 'Error: etcdserver: mvcc: required revision has been compacted\nexit 1';
    expect(transcript).toContain(refusal);
    expect(transcript).toContain('Error: watch is canceled by the server');
  });
});

describe.skipIf(real === undefined).each(clusters)(
  'watching in the tutorial, with %s',
  (_name, player) => {
    const sameOnBoth = comparing(player);

    it('shows the changes of a key from now on', async () => {
      await sameOnBoth(async (user) => {
        const key = await user.start('watch', 'foo');
        const hex = await user.start('watch', 'foo', '--hex');
        const range = await user.start('watch', 'foo', 'foo9');
        const prefix = await user.start('watch', '--prefix', 'foo', '--prev-kv');
        await user.watchers(4);
        await user.runAll(
          'put foo bar',
          'put foo1 x',
          'put fo y',
          'del foo',
          'put foo9 z',
          'put foo end',
        );
        await user.runAll('put foo8 end');
        await user.finish(key, /^end$/);
        await user.finish(hex, /^\\x65\\x6e\\x64$/);
        await user.finish(range, /^foo8$/, 1);
        await user.finish(prefix, /^foo8$/, 1);
      });
    });

    it('shows the past from a revision on, with previous values', async () => {
      await sameOnBoth(async (user) => {
        await user.runAll(
          'put foo bar',
          'put foo1 bar1',
          'put foo bar_new',
          'del foo',
          'put foo end',
        );
        for (const more of [[], ['--prev-kv'], ['-w', 'json'], ['-w', 'fields']]) {
          for (const revision of ['1', '2', '4']) {
            const watch = await user.start(
              'watch',
              `--rev=${revision}`,
              '--prefix',
              'foo',
              ...more,
            );
            const below = more.includes('fields') ? 1 : 0;
            await user.finish(watch, /end|ZW5k/, below);
          }
        }
      });
    });

    it('watches several keys interactively', async () => {
      const transcript = await sameOnBoth(async (user) => {
        const watch = await user.start('watch', '-i');
        watch.write('watch foo\n');
        await user.watchers(1);
        watch.write('watch --prefix zoo --prev-kv\n');
        await user.watchers(2);
        await user.run('put', 'foo', 'bar');
        await watch.stdout.line(/^bar$/);
        await user.run('put', 'zoo', 'val');
        await watch.stdout.line(/^val$/);
        watch.write('progress\n');
        // Each of the two watches shows the answer.
        await watch.stdout.firstLines(8);
        await user.run('del', 'zoo');
        await watch.stdout.line(/^DELETE$/);
        await user.run('put', 'foo', 'end');
        await user.finish(watch, /^end$/);
      });
      expect(transcript).toMatch(/\nfoo\nbar\nPUT\nzoo\nval\n(progress notify: 3\n){2}DELETE/);
    });

    it('runs a command for each event', async () => {
      const show =
        'echo $ETCD_WATCH_REVISION $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE';
      await sameOnBoth(async (user) => {
        await user.runAll('put foo 1', 'put foo 2', 'del foo', 'put foo end');
        const watch = await user.start('watch', '--rev=1', 'foo', '--', 'sh', '-c', show);
        await user.finish(watch, /"end"$/);
      });
    });
  },
);

describe.skipIf(real === undefined).each(clusters)(
  'leases in the tutorial, with %s',
  (_name, player) => {
    const sameOnBoth = comparing(player);

    it('are granted, kept alive, looked at and revoked', async () => {
      const transcript = await sameOnBoth(async (user) => {
        await user.run('lease', 'list');
        const lease = await user.grant(500);
        await user.run('put', `--lease=${lease}`, 'zoo1', 'val1');
        await user.run('put', `--lease=${lease}`, 'zoo2', 'val2');
        await user.run('get', 'zoo1', '-w', 'json');
        await user.run('get', 'zoo1', '-w', 'fields');
        await user.run('lease', 'timetolive', lease);
        await user.run('lease', 'timetolive', '--keys', lease);
        await user.run('lease', 'keep-alive', '--once', lease);
        await user.run('lease', 'keep-alive', '--once', lease, '-w', 'json');
        await user.run('lease', 'list');
        await user.run('lease', 'list', '-w', 'json');
        await user.run('put', 'zoo2', 'detached');
        await user.run('put', '--ignore-value', '--ignore-lease', 'zoo1');
        await user.run('lease', 'timetolive', '--keys', lease);
        await user.run('lease', 'revoke', lease);
        await user.runAll('get --prefix zoo', 'lease list');
        await user.run('lease', 'timetolive', lease);
        await user.run('lease', 'revoke', lease);
        await user.run('lease', 'revoke', '1234', '-w', 'json');
        await user.run('lease', 'keep-alive', '--once', '1234');
        await user.run('lease', 'keep-alive', '1234');
        await user.runAll(
          'lease grant 9000000001',
          'lease grant x',
          'lease revoke xyz',
          'get zoo1',
        );
      });
      expect(transcript).toContain('lease LEASE1 granted with TTL(500s)');
      expect(transcript).toContain('attached keys([zoo1 zoo2])');
      expect(transcript).toContain(
        'Error: failed to revoke lease (etcdserver: requested lease not found)',
      );
    });

    it('expire, and take their keys along', async () => {
      await sameOnBoth(async (user) => {
        const lease = await user.grant(0);
        await user.run('put', `--lease=${lease}`, 'b', 'short');
        await user.run('put', `--lease=${lease}`, 'a', 'lived');
        const watch = await user.start('watch', '--rev=2', 'a', 'z');
        await watch.stdout.firstLines(12);
        await user.finish(watch, /^DELETE$/);
        await user.run('get', '--prefix', '', '-w', 'json');
        await user.run('lease', 'timetolive', lease);
        await user.run('lease', 'list');
      });
    });

    it('live on while they are kept alive', async () => {
      await sameOnBoth(async (user) => {
        const lease = await user.grant(3);
        const keeper = await user.start('lease', 'keep-alive', lease);
        await keeper.stdout.firstLines(4, 20_000);
        await user.run('lease', 'revoke', lease);
        await user.endedRepeating(keeper);
      });
    });
  },
);

describe.skipIf(real === undefined).each(clusters)(
  'locks and elections in the tutorial, with %s',
  (_name, player) => {
    const sameOnBoth = comparing(player);

    it('hand a lock from one holder to the next', async () => {
      const transcript = await sameOnBoth(async (user) => {
        const first = await user.start('lock', 'mutex');
        await first.stdout.line(/^mutex\//);
        const second = await user.start('lock', 'mutex');
        // The waiting one has a key of its own and watches that of the holder.
        await user.watchers(1);
        await user.finish(first, /^mutex\//);
        await second.stdout.line(/^mutex\//);
        await user.raw('get', '--prefix', 'mutex');
        await user.finish(second, /^mutex\//);
        await user.run('get', '--prefix', 'mutex', '-w', 'json');
        await user.run('lock', 'mutex', '--', 'sh', '-c', 'echo $ETCD_LOCK_REV $ETCD_LOCK_KEY');
        await user.run('lock', 'mutex', '--ttl=3', '--', 'sh', '-c', 'exit 3');
        await user.run('get', '--prefix', 'mutex');
      });
      expect(transcript).toContain('$ etcdctl lock mutex\nmutex/LEASE');
    });

    it('elect one leader after the other', async () => {
      await sameOnBoth(async (user) => {
        const first = await user.start('elect', 'vote', 'p1');
        await first.stdout.line(/^p1$/);
        const observer = await user.start('elect', '-l', 'vote');
        await observer.stdout.line(/^p1$/);
        const second = await user.start('elect', 'vote', 'p2');
        await user.watchers(2);
        await user.finish(first, /^p1$/);
        await second.stdout.line(/^p2$/);
        await user.finish(observer, /^p2$/);
        await user.finish(second, /^p2$/);
        await user.run('get', '--prefix', 'vote', '-w', 'json');
      });
    });
  },
);

describe.skipIf(real === undefined).each(onOne)(
  'administration in the tutorial, with %s',
  (_name, player) => {
    const sameOnBoth = comparing(player);

    it('hashes the same data to the same number', async () => {
      const transcript = await sameOnBoth(async (user) => {
        await user.runAll(
          'put foo 1',
          'put foo 2',
          'put bar 1',
          'del foo',
          'put zoo 1',
          'del --prefix z',
        );
        await user.run('endpoint', 'hashkv');
        for (const revision of ['1', '2', '4', '6', '7']) {
          await user.run('endpoint', 'hashkv', `--rev=${revision}`);
        }
        await user.runAll(
          'endpoint hashkv --rev=100',
          'compaction --physical 5',
          'endpoint hashkv',
        );
        await user.runAll('endpoint hashkv --rev=4', 'endpoint hashkv --rev=6', 'put foo 3');
        await user.runAll('compaction --physical 6', 'endpoint hashkv', 'compaction --physical 8');
        await user.runAll('endpoint hashkv', 'put --prev-kv x 1', 'endpoint hashkv');
      });
      expect(transcript).toMatch(/\$ etcdctl endpoint hashkv\nENDPOINT, \d+\n/);
    });

    it('shows health, members and alarms', async () => {
      await sameOnBoth(async (user) => {
        await user.runAll(
          'endpoint health',
          'endpoint health -w json',
          'endpoint health --cluster',
        );
        await user.runAll('member list', 'member list -w json', 'member list -w fields');
        await user.runAll('member list -w table', 'member list --hex -w json');
        await user.runAll('alarm list', 'alarm disarm', 'alarm list -w json', 'version');
      });
    });

    it('shows the status in the same form', async () => {
      await sameOnBoth(async (user) => {
        await user.run('put', 'foo', 'bar');
        // Versions, sizes and positions in the log are each server's own affair.
        const [line = ''] = await user.raw('endpoint', 'status');
        user.note([line.split(', ').map(columnShape).join(', ')]);
      });
    });

    it('saves a snapshot', async () => {
      await sameOnBoth(async (user) => {
        await user.run('put', 'foo', 'bar');
        const file = join(user.folder, 'saved.db');
        const output = await user.raw('snapshot', 'save', file);
        user.note(output.slice(0, 1));
        const { size, mode } = await stat(file);
        // Whole pages and a checksum of 32 bytes.
        user.note([`size mod 512 = ${size % 512}, mode ${(mode & 0o777).toString(8)}`]);
      });
    });

    it('defragments', async () => {
      await sameOnBoth(async (user) => {
        await user.runAll('put foo bar', 'defrag', 'get foo', 'move-leader 1234');
      });
    });
  },
);

it.skipIf(real === undefined)('kvctl differs wherever it is said to', () => {
  expect(unmetDifferences()).toEqual([]);
});

/** Digits of a column of `endpoint status` that is each server's own affair as N; the others as they are. */
function columnShape(text: string, column: number): string {
  const own = [2, 3, 7, 8].includes(column);
  return own ? text.replace(/[\d.]+/, 'N').replace(/[kM]?B$/, 'B') : text;
}
