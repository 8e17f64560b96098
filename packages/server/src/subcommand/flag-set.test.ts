import { describe, expect, it } from 'vitest';
import { FlagSet } from './flag-set.ts';

function parse(...args: string[]): FlagSet {
  const flags = new FlagSet([
    { name: 'listen-addr', kind: 'text', defaultText: '127.0.0.1:1', help: '' },
    { name: 'endpoints', kind: 'list', defaultText: 'a,b', help: '' },
    { name: 'debug', kind: 'bool', defaultText: 'false', help: '' },
    { name: 'retry-delay', kind: 'duration', defaultText: '1m0s', help: '' },
    { name: 'max', kind: 'uint', defaultText: '7', max: 9, help: '' },
  ]);
  flags.parse(args);
  return flags;
}

describe('the flags of a subcommand', () => {
  it('have defaults', () => {
    const flags = parse();
    expect(flags.text('listen-addr')).toBe('127.0.0.1:1');
    expect(flags.list('endpoints')).toEqual(['a', 'b']);
    expect(flags.bool('debug')).toBe(false);
    expect(flags.durationMs('retry-delay')).toBe(60_000);
    expect(flags.integer('max')).toBe(7);
  });

  it('are given with a space or an equals sign, the last one wins', () => {
    const flags = parse('--endpoints', 'c, d', '--max=2', '--max', '3', '--debug', '--', '--more');
    expect(flags.list('endpoints')).toEqual(['c', 'd']);
    expect(flags.integer('max')).toBe(3);
    expect(flags.bool('debug')).toBe(true);
    expect(flags.isGiven('listen-addr')).toBe(false);
    expect(flags.positional).toBe('--more');
  });

  it.each([
    [['--endpoint=x'], 'unknown flag: --endpoint; did you mean --endpoints?'],
    [['--elephants=x'], 'unknown flag: --elephants'],
    [['-v'], 'unknown shorthand flag: -v; flags have two dashes'],
    [['--max'], 'flag needs an argument: --max'],
    [['--max=10'], 'invalid argument "10" for "--max": value out of range'],
    [['--max=-1'], 'invalid argument "-1" for "--max": parse error'],
    [['--debug=perhaps'], 'invalid argument "perhaps" for "--debug": true or false'],
    [
      ['--retry-delay=5'],
      'invalid argument "5" for "--retry-delay": a duration is written like 500ms or 1m30s',
    ],
  ])('are refused: %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  it('have no negative durations', () => {
    const flags = parse('--retry-delay=-1s');
    expect(() => flags.durationMs('retry-delay')).toThrow('--retry-delay must not be negative');
  });
});
