import { describe, expect, it } from 'vitest';
import { FlagSet } from '../../subcommand/flag-set.ts';
import { discoveryServiceFlags, readDiscoveryServiceOptions } from './options.ts';

function read(...args: string[]) {
  const flags = new FlagSet(discoveryServiceFlags);
  flags.parse(args);
  return readDiscoveryServiceOptions(flags);
}

describe('the flags of kvorum discovery', () => {
  it('have defaults', () => {
    const { endpoints, ...others } = read();
    expect(endpoints.map(({ href }) => href)).toEqual(['http://127.0.0.1:2379/']);
    expect(others).toEqual({
      listen: { host: '127.0.0.1', port: 8087 },
      urlPrefix: undefined,
      certFile: '',
      keyFile: '',
      trustedCaFile: '',
    });
  });

  it('say where it listens, and what tokens begin with', () => {
    expect(read('--listen-addr=:1').listen).toEqual({ host: '::', port: 1 });
    expect(read('--listen-addr=[::1]:0').listen).toEqual({ host: '::1', port: 0 });
    expect(read('--url-prefix=https://d.example/x/').urlPrefix).toBe('https://d.example/x');
  });

  it.each([
    [['--listen-addr=8087'], '--listen-addr takes host:port, not "8087"'],
    [['--listen-addr=a:99999'], '--listen-addr takes host:port, not "a:99999"'],
    [['--endpoints=,'], '--endpoints must not be empty'],
    [['--endpoints=a:1'], '--endpoints takes http or https URLs, not "a:1"'],
    [['--url-prefix=d.example'], '--url-prefix takes http or https URLs, not "d.example"'],
    [['--cert-file=c.pem'], '--cert-file and --key-file go together'],
  ])('refuse %j', (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });
});
