import { describe, expect, it } from 'vitest';
import { startFlags } from './start-flags.ts';

describe('npm start', () => {
  const ours = '--data-dir=/clone/data/default.etcd';

  it.each<[string, string[], Record<string, string>, string[], string]>([
    ['no flags', [], {}, [ours], 'http://localhost:2379'],
    [
      'a name and an address',
      ['--name=one', '--listen-client-urls', 'http://localhost:12379'],
      {},
      ['--data-dir=/clone/data/one.etcd', '--advertise-client-urls=http://localhost:12379'],
      'http://localhost:12379',
    ],
    [
      'two addresses in the environment',
      [],
      { ETCD_LISTEN_CLIENT_URLS: 'http://127.0.0.1:1,http://127.0.0.1:2' },
      [ours, '--advertise-client-urls=http://127.0.0.1:1,http://127.0.0.1:2'],
      'http://127.0.0.1:1',
    ],
    [
      'every address, which nobody can be sent to',
      ['-listen-client-urls=http://0.0.0.0:2379'],
      {},
      [ours],
      'http://0.0.0.0:2379',
    ],
    [
      'all that is needed',
      ['--listen-client-urls=http://a:1', '--advertise-client-urls=http://b:1', '--data-dir=/d'],
      {},
      [],
      'http://a:1',
    ],
    ['a data folder in the environment', [], { ETCD_DATA_DIR: '/d' }, [], 'http://localhost:2379'],
    ['a configuration file', ['--config-file', 'f.yml'], {}, [], 'http://localhost:2379'],
  ])('completes %s', (_what, given, environment, added, endpoint) => {
    const started = startFlags(given, environment, '/clone');
    expect(started.flags).toEqual([...added, ...given]);
    expect(started.endpoint).toBe(endpoint);
  });
});
