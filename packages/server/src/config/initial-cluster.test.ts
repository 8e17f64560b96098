import { describe, expect, it } from 'vitest';
import { buildConfig } from './build-config.ts';
import { parseCommandLine } from './command-line.ts';
import { parseInitialCluster, verifyBootstrap } from './initial-cluster.ts';

function verify(...args: string[]): void {
  const { values } = parseCommandLine(args);
  verifyBootstrap(buildConfig(values, { defaultHost: undefined, fromFile: false }));
}

describe('parseInitialCluster', () => {
  it('gathers the URLs of a name and sorts by name', () => {
    const members = parseInitialCluster('b=http://h:2,a=http://h:1,b=http://g:3');
    expect(members.map((member) => [member.name, member.peerUrls.map((url) => url.href)])).toEqual([
      ['a', ['http://h:1']],
      ['b', ['http://g:3', 'http://h:2']],
    ]);
  });

  it.each([
    ['abc', '--initial-cluster has "abc" instead of name=url'],
    ['', '--initial-cluster has "" instead of name=url'],
    ['a=', 'instead of name=url'],
    ['a=foo', 'error setting up initial cluster: URL scheme must be'],
  ])('refuses %j', (text, message) => {
    expect(() => parseInitialCluster(text)).toThrow(message);
  });
});

describe('verifyBootstrap', () => {
  it('accepts the defaults, and localhost for its address', () => {
    verify();
    verify('--initial-cluster', 'default=http://127.0.0.1:2380');
  });

  it('accepts a name alone, and announced peer URLs alone', () => {
    verify('--name', 'n1');
    verify('--initial-advertise-peer-urls', 'http://10.0.0.1:2380');
  });

  it('leaves the peer URLs of one that joins to those who added it', () => {
    verify('--initial-cluster-state', 'existing', '--initial-cluster', 'default=http://1.1.1.1:1');
  });

  it.each([
    [
      ['--initial-cluster', 'b=http://1.1.1.1:1,default=http://localhost:2380,a=http://1.1.1.1:1'],
      'initial cluster a=http://1.1.1.1:1,b=http://1.1.1.1:1,default=http://localhost:2380 has ' +
        'duplicate url',
    ],
    [
      ['--initial-cluster', 'a=http://localhost:2380'],
      `couldn't find local name "default" in the initial cluster configuration`,
    ],
    [
      ['--initial-cluster', 'default=http://1.1.1.1:1'],
      '--initial-cluster has default=http://1.1.1.1:1 but missing from ' +
        '--initial-advertise-peer-urls=http://localhost:2380',
    ],
    [
      ['--initial-advertise-peer-urls', 'http://localhost:2380,http://1.1.1.1:1'].concat([
        '--initial-cluster',
        'default=http://localhost:2380',
      ]),
      '--initial-advertise-peer-urls has http://1.1.1.1:1 but missing from ' +
        '--initial-cluster=default=http://localhost:2380',
    ],
  ])('refuses %j', (args, message) => {
    expect(() => verify(...args)).toThrow(message);
  });
});
