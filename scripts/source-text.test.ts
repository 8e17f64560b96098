import { describe, expect, it } from 'vitest';
import { blankComments, blankNonCode } from './source-text.ts';

describe('blankNonCode', () => {
  it.each([
    ['a comment at the end of a line', "f(); // it's", 'f();        '],
    ['a block comment', 'a /* b */ c', 'a         c'],
    ['a string with an escaped quote', "g('it\\'s', 1)", 'g(       , 1)'],
    ['a template around code', 'x`a${b}c`', 'x    b   '],
    ['a template in a template', 'x`a${f(`b${c}`)}d`', 'x    f(    c  )   '],
    ['braces in the code of a template', '`${f({ a: 1 })}` + b', '   f({ a: 1 })   + b'],
    ['a pattern with a quote', "s.split(/'/) + 'x'", 's.split(   ) +    '],
    ['a pattern after return', 'return /"/.test(s)', 'return    .test(s)'],
    ['a slash in a class of a pattern', "t(/[/']/) + a", 't(      ) + a'],
    ['a division', "a / b / 'c'", 'a / b /    '],
  ])('blanks %s', (_name, source, expected) => {
    expect(blankNonCode(source)).toBe(expected);
  });

  it('keeps the line breaks of what it blanks', () => {
    expect(blankNonCode('a /* b\n c */\nd')).toBe('a     \n     \nd');
  });
});

describe('blankComments', () => {
  it('leaves strings alone, also those that look like comments', () => {
    expect(blankComments("a('//b') // c")).toBe("a('//b')     ");
  });
});
