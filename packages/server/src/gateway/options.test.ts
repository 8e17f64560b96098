import { describe, expect, it } from 'vitest';
import { FlagSet } from '../subcommand/flag-set.ts';
import { gatewayFlags, readGatewayOptions, selfReference } from './options.ts';

function read(...args: string[]) {
  const flags = new FlagSet(gatewayFlags);
  flags.parse(args);
  return readGatewayOptions(flags);
}

describe('the options of a gateway', () => {
  it("are etcd's by default", () => {
    expect(read()).toMatchObject({
      listen: { host: '127.0.0.1', port: 23_790 },
      discovery: undefined,
      backends: [{ address: '127.0.0.1:2379', host: '127.0.0.1', port: 2379 }],
      retryDelayMs: 60_000,
    });
  });

  it('take endpoints as URLs and addresses', () => {
    const { backends } = read('--endpoints=http://a:1,https://b:2/,[::1]:3,:4');
    expect(backends.map(({ address }) => address)).toEqual([
      'a:1',
      'b:2',
      '[::1]:3',
      '127.0.0.1:4',
    ]);
  });

  it('take an address to listen on', () => {
    expect(read('--listen-addr=:5').listen).toEqual({ host: '::', port: 5 });
    expect(read('--listen-addr=[::1]:0').listen).toEqual({ host: '::1', port: 0 });
  });

  it('take a delay of 0 for five minutes', () => {
    expect(read('--retry-delay=0s').retryDelayMs).toBe(300_000);
  });

  it.each([
    ['--endpoints=a', '--endpoints takes host:port, not "a"'],
    ['--endpoints=a:0', '--endpoints takes host:port'],
    ['--endpoints=a:1:2', '--endpoints takes host:port'],
    ['--endpoints=unix:///tmp/x', '--endpoints takes host:port'],
    ['--listen-addr=a:70000', '--listen-addr takes host:port, not "a:70000"'],
    ['--listen-addr=', '--listen-addr takes host:port, not ""'],
    ['--retry-delay=-1s', '--retry-delay must not be negative'],
    ['--discovery-srv-name=x', '--discovery-srv-name needs --discovery-srv'],
    ['--kvorum-max-connections=0', '--kvorum-max-connections must be 1 or more'],
  ])('refuse %s', (arg, message) => {
    expect(() => read(arg)).toThrow(message);
  });

  it('tell a gateway that would pass connections on to itself', () => {
    const [backend] = read('--endpoints=localhost:5').backends;
    if (backend === undefined) throw new Error('no backend');
    const listen = { host: '127.0.0.1', port: 5 };
    expect(selfReference(listen, backend, '127.0.0.1')).toBe(
      'SRV or endpoint (localhost:5->127.0.0.1:5) should not resolve to the gateway listen addr (127.0.0.1:5)',
    );
    expect(selfReference({ ...listen, port: 6 }, backend, '127.0.0.1')).toBeUndefined();
    expect(selfReference(listen, backend, '10.0.0.1')).toBeUndefined();
  });
});
