import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Printer } from './printer.ts';

function printed(hasColours: boolean): string {
  let text = '';
  const printer = new Printer((more) => {
    text += more;
  }, hasColours);
  const first = printer.source('m1', 0, () => {});
  const second = printer.source('m2', 1, () => {});
  first.add('one\ntw');
  second.add('three\n');
  first.add('o\nlast');
  first.end();
  printer.say('a\nb');
  return text;
}

const lines = 'm1 | one\nm2 | three\nm1 | two\nm1 | last\n-- | a\n-- | b\n';

describe('Printer', () => {
  it('writes whole lines of many sources, each with its label', () => {
    expect(printed(false)).toBe(lines);
  });

  it('colours nothing but the labels', () => {
    const text = printed(true);
    expect(text).not.toBe(lines);
    expect(stripVTControlCharacters(text)).toBe(lines);
  });

  it('hands on a line that never ends in pieces', () => {
    const heard: string[] = [];
    const source = new Printer(() => {}, false).source('m1', 0, (line) => heard.push(line));
    for (let i = 0; i < 3; i++) source.add('x'.repeat(65_000));
    expect(heard.map(({ length }) => length)).toEqual([130_000]);
  });
});
