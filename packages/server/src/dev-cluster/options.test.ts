import { describe, expect, it } from 'vitest';
import { endpointsLine, placesOf } from './layout.ts';
import { parseDevClusterOptions } from './options.ts';

describe('the command line of dev-cluster', () => {
  it('has defaults', () => {
    expect(parseDevClusterOptions([])).toEqual({
      help: false,
      nodes: 3,
      basePort: undefined,
      dataDir: 'data/dev-cluster',
      fresh: false,
      memberFlags: [],
    });
  });

  it('takes values behind a blank or =, and flags of members behind --', () => {
    const words = [
      '--nodes=5',
      '--base-port',
      '4000',
      '--data-dir=x',
      '--fresh',
      '--',
      '--nodes=9',
    ];
    expect(parseDevClusterOptions(words)).toEqual({
      help: false,
      nodes: 5,
      basePort: 4000,
      dataDir: 'x',
      fresh: true,
      memberFlags: ['--nodes=9'],
    });
  });

  it.each([
    [['--node', '3'], 'dev-cluster does not know --node'],
    [['three'], 'dev-cluster does not know three'],
    [['--nodes'], '--nodes needs a value'],
    [['--nodes', '0'], '--nodes takes a number from 1 to 6, not "0"'],
    [['--nodes=7'], '--nodes takes a number from 1 to 6, not "7"'],
    [['--nodes=1.5'], '--nodes takes a number from 1 to 6, not "1.5"'],
    [['--base-port=x'], '--base-port takes a number from 1 to 65400, not "x"'],
    [['--data-dir='], '--data-dir needs a value'],
  ])('refuses %j', (words, message) => {
    expect(() => parseDevClusterOptions(words)).toThrow(message);
  });
});

describe('the places of members', () => {
  it.each([
    [['--nodes=6'], [2379, 22_379, 32_379, 42_379, 52_379, 62_379]],
    [['--base-port=7000'], [7000, 7010, 7020]],
  ])('have ports of their own with %j', (words, clientPorts) => {
    const places = placesOf(parseDevClusterOptions(words));
    expect(places.map(({ clientPort }) => clientPort)).toEqual(clientPorts);
    const ports = places.flatMap((one) => [one.clientPort, one.proxyPort, one.peerPort]);
    expect(new Set(ports).size).toBe(3 * places.length);
  });

  it('are told in a line for the shell', () => {
    const places = placesOf(parseDevClusterOptions(['--nodes=2']));
    expect(endpointsLine(places)).toBe('export ETCDCTL_ENDPOINTS=127.0.0.1:2379,127.0.0.1:22379');
  });
});
