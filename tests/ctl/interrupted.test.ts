import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledKvctl } from '../framework/kvctl-bundle.ts';
import { startBoth } from '../framework/member.ts';
import { realEtcd, systemProgram } from '../framework/real-etcd.ts';
import { type Means, Person } from './person.ts';

// Commands that go on until they are told to end, by a person who types and presses Ctrl-C: once with the real etcdctl
// at the real etcd, once with kvctl at Kvorum. What is shown until then, and how they end, must be the same.

const real = realEtcd('3.5');
const python = systemProgram('python3');

type Scenario = (person: Person) => Promise<void>;

const scenarios: Readonly<Record<string, Scenario>> = {
  'watch, after an event': async (person) => {
    const key = person.own('past');
    await person.run('put', key, 'seen');
    const watch = await person.start('watch', key, '--rev=1');
    await person.sees(watch, /seen/);
    await person.interrupts(watch);
  },
  'watch, before there is any': async (person) => {
    const watch = await person.start('watch', 'future');
    await person.watchers(1);
    await person.interrupts(watch);
  },
  'watch -i, with two watches': async (person) => {
    const watch = await person.start('watch', '-i');
    watch.write('watch foo\n');
    await person.watchers(1);
    watch.write('watch --prefix zoo --prev-kv\n');
    await person.watchers(2);
    await person.run('put', 'foo', 'first');
    await person.sees(watch, /first/);
    await person.run('put', 'zoo1', 'second');
    await person.sees(watch, /second/);
    watch.write('progress\n');
    await person.sees(watch, /progress notify: \d+\s+progress notify/);
    await person.run('put', 'zoo1', 'third');
    await person.sees(watch, /third/);
    await person.interrupts(watch);
  },
  'watch -i, after lines that are no commands': async (person) => {
    const watch = await person.start('watch', '-i');
    watch.write('nonsense\n');
    await person.sees(watch, /Invalid command nonsense/);
    watch.write('watch\n');
    await person.sees(watch, /Invalid command watch/);
    await person.interrupts(watch);
  },
  'watch -i, in the middle of a line': async (person) => {
    const watch = await person.start('watch', '-i');
    watch.write('watch foo\n');
    await person.watchers(1);
    await person.begins(watch, 'watch zo');
    await person.interrupts(watch);
  },
  'watch -i, which has its input end': async (person) => {
    const key = person.own('ends');
    await person.run('put', key, 'shown');
    const watch = await person.start('watch', '-i');
    watch.write(`watch ${key} --rev=1\n`);
    await person.sees(watch, /shown/);
    await person.endsInput(watch);
  },
  'watch -i, with a flag that it does not have': async (person) => {
    const watch = await person.start('watch', '-i');
    watch.write('watch --nosuch a\n');
    await person.leaves(watch);
  },
  'watch -- command, after one has run': async (person) => {
    const key = person.own('job');
    await person.run('put', key, 'done');
    const show = 'echo $ETCD_WATCH_KEY; test -t 1 && echo to a terminal; echo "$ETCD_WATCH_VALUE"';
    const watch = await person.start('watch', key, '--rev=1', '--', 'sh', '-c', show);
    await person.sees(watch, /"done"/);
    await person.interrupts(watch);
  },
  'txn -i, at its first question': async (person) => {
    const txn = await person.start('txn', '-i');
    await person.sees(txn, /compares:/);
    await person.interrupts(txn);
  },
  'txn -i, with requests already typed': async (person) => {
    const txn = await person.start('txn', '-i');
    await person.sees(txn, /compares:/);
    txn.write('create("half") = "0"\n\n');
    await person.sees(txn, /success requests/);
    txn.write('put half done\n\n');
    await person.sees(txn, /failure requests/);
    await person.begins(txn, 'get ha');
    await person.interrupts(txn);
    await person.run('get', 'half');
  },
  'txn -i, which is brought to its end': async (person) => {
    const txn = await person.start('txn', '-i');
    await person.sees(txn, /compares:/);
    txn.write('create("whole") = "0"\n\n');
    await person.sees(txn, /success requests/);
    txn.write('put whole "a value"\nget whole\n\n');
    await person.sees(txn, /failure requests/);
    txn.write('\n');
    await person.leaves(txn);
  },
  'txn -i, which has its input end': async (person) => {
    const txn = await person.start('txn', '-i');
    await person.sees(txn, /compares:/);
    txn.write('\n');
    await person.sees(txn, /success requests/);
    await person.endsInput(txn);
  },
  'txn -i, with a line that cannot be read': async (person) => {
    const txn = await person.start('txn', '-i');
    await person.sees(txn, /compares:/);
    txn.write('nonsense\n');
    await person.leaves(txn);
  },
  'put, which waits for a value': async (person) => {
    const put = await person.start('put', 'typed');
    put.write('one line\n');
    await person.endsInput(put);
    await person.run('get', 'typed');
  },
  'lock, held': async (person) => {
    const lock = await person.start('lock', 'held');
    await person.sees(lock, /held\/.*\s+/);
    await person.interrupts(lock);
    await person.run('get', '--prefix', 'held');
  },
  'lock, waiting for another': async (person) => {
    const holder = await person.start('lock', 'wanted');
    await person.sees(holder, /wanted\/.*\s+/);
    const waiting = await person.start('lock', 'wanted');
    await person.watchers(1);
    await person.interrupts(waiting);
    await person.watchers(0);
    await person.run('get', '--prefix', 'wanted', '--keys-only');
    await person.interrupts(holder);
  },
  'elect, as leader': async (person) => {
    const leader = await person.start('elect', 'chair', 'first');
    await person.sees(leader, /first/);
    await person.interrupts(leader);
    await person.run('get', '--prefix', 'chair');
  },
  'elect, as candidate and as observer': async (person) => {
    const leader = await person.start('elect', 'office', 'first');
    await person.sees(leader, /first/);
    const observer = await person.start('elect', '-l', 'office');
    await person.sees(observer, /first/);
    const candidate = await person.start('elect', 'office', 'second');
    await person.watchers(2);
    await person.interrupts(candidate);
    await person.interrupts(observer);
    await person.run('get', '--prefix', 'office');
    await person.interrupts(leader);
  },
  'lease keep-alive': async (person) => {
    const granted = await person.run('lease', 'grant', '600');
    const lease = /[0-9a-f]{16}/.exec(granted)?.[0] ?? 'no lease';
    const keeper = await person.start('lease', 'keep-alive', lease);
    await person.sees(keeper, /keepalived with TTL/);
    await person.interrupts(keeper);
  },
};

/** Where Ctrl-C reaches the commands that a program has started as well. */
const onTerminals: Readonly<Record<string, Scenario>> = {
  'watch -- command, while one runs': async (person) => {
    await person.run('put', 'work', '1');
    const command = ['sh', '-c', 'echo begun; exec sleep 60'];
    const watch = await person.start('watch', 'work', '--rev=1', '--', ...command);
    await person.sees(watch, /begun/);
    await person.interrupts(watch);
  },
  'lock with a command': async (person) => {
    const command = ['sh', '-c', 'echo begun; exec sleep 60'];
    const lock = await person.start('lock', 'busy', '--', ...command);
    await person.sees(lock, /begun/);
    await person.interrupts(lock);
    await person.run('get', '--prefix', 'busy');
  },
};

describe.skipIf(real === undefined || python === undefined)('interrupted', () => {
  const kvctl = bundledKvctl();
  let servers: Awaited<ReturnType<typeof startBoth>> | undefined;
  beforeAll(async () => {
    if (real !== undefined) servers = await startBoth(real);
  });
  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
  });

  const play = async (means: Means, scenario: Scenario) => {
    if (!real || !python || !servers) throw new Error('nothing to compare with');
    await using theirs = new Person([real.etcdctl], means, python, servers.etcd);
    const program = [process.execPath, kvctl()];
    await using ours = new Person(program, means, python, servers.kvorum);
    await Promise.all([scenario(theirs), scenario(ours)]);
    expect(ours.transcript).toEqual(theirs.transcript);
  };

  it.each(Object.entries(scenarios))('at a terminal: %s', async (_name, scenario) => {
    await play('a terminal', scenario);
  });
  it.each(Object.entries(onTerminals))('at a terminal only: %s', async (_name, scenario) => {
    await play('a terminal', scenario);
  });
  it.each(Object.entries(scenarios))('through pipes: %s', async (_name, scenario) => {
    await play('pipes', scenario);
  });

  it('kvctl gives up a question for a password, as etcdctl does once it listens', async () => {
    if (!python || !servers) throw new Error('nothing to ask');
    const program = [process.execPath, kvctl()];
    await using person = new Person(program, 'a terminal', python, servers.kvorum);
    const add = await person.start('user', 'add', 'alice');
    await person.reads(add, /Password of alice: /);
    await person.interrupts(add);
    expect(person.transcript).toEqual(['$ ', 'Password of alice: \r', '', 'stderr: ', 'end: 255']);
  });
});
