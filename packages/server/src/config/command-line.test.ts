import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './command-line.ts';

describe('parseCommandLine', () => {
  it.each([[['-name', 'n1']], [['--name', 'n1']], [['-name=n1']], [['--name=n1']]])(
    'takes a value as in %j',
    (args) => {
      expect(parseCommandLine(args).values.text('name')).toBe('n1');
    },
  );

  it('lets a later flag win', () => {
    const { values, given } = parseCommandLine(['--name', 'a', '--name=b']);
    expect(values.text('name')).toBe('b');
    expect(given).toHaveLength(2);
  });

  it.each([
    ['--pre-vote', true],
    ['--pre-vote=false', false],
    ['--pre-vote=0', false],
    ['--pre-vote=T', true],
    ['-pre-vote=FALSE', false],
  ])('reads the boolean %s', (arg, value) => {
    expect(parseCommandLine([arg]).values.bool('pre-vote')).toBe(value);
  });

  it('never gives a boolean the next word', () => {
    const { values, positional } = parseCommandLine(['--pre-vote', 'false', '--name', 'x']);
    expect(values.bool('pre-vote')).toBe(true);
    expect(positional).toBe('false');
    expect(values.isGiven('name')).toBe(false);
  });

  it('takes values that look like flags, and empty ones', () => {
    const { values } = parseCommandLine(['--name', '--data-dir', '--wal-dir=']);
    expect(values.text('name')).toBe('--data-dir');
    expect(values.text('wal-dir')).toBe('');
  });

  it('stops at a double dash', () => {
    expect(parseCommandLine(['--', '--name']).positional).toBe('--name');
    expect(parseCommandLine(['--']).positional).toBeUndefined();
  });

  it('takes a lone dash as a word', () => {
    expect(parseCommandLine(['-']).positional).toBe('-');
  });

  it.each(['-h', '--help', '-help'])('asks for help with %s', (arg) => {
    expect(parseCommandLine(['--name', 'x', arg, '--bogus']).help).toBe(true);
  });

  it('accepts the flags that etcd ignores without taking the next word', () => {
    const { positional, given } = parseCommandLine(['--force', '-snapshot=5', '-v']);
    expect(positional).toBeUndefined();
    expect(given.map((flag) => flag.name)).toEqual(['force', 'snapshot', 'v']);
  });

  it.each([
    [['--bogus-thing'], 'flag provided but not defined: -bogus-thing'],
    [['--name'], 'flag needs an argument: -name'],
    [['---x'], 'bad flag syntax: ---x'],
    [['--=x'], 'bad flag syntax: --=x'],
    [
      ['--heartbeat-interval', 'abc'],
      'invalid value "abc" for flag -heartbeat-interval: parse error',
    ],
    [['--heartbeat-interval=-1'], 'invalid value "-1" for flag -heartbeat-interval: parse error'],
    [['--pre-vote=zz'], 'invalid boolean value "zz" for -pre-vote: parse error'],
    [
      ['--grpc-keepalive-interval', '5'],
      'invalid value "5" for flag -grpc-keepalive-interval: parse error',
    ],
    [['--max-concurrent-streams=4294967296'], 'value out of range'],
    [
      ['--initial-cluster-state', 'zz'],
      'invalid value "zz" for flag -initial-cluster-state: invalid value',
    ],
    [
      ['--listen-client-urls', 'foo'],
      'invalid value "foo" for flag -listen-client-urls: URL scheme must be http, https, unix, or unixs: foo',
    ],
  ])('refuses %j', (args, message) => {
    expect(() => parseCommandLine(args)).toThrow(message);
    expect(() => parseCommandLine(args)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
