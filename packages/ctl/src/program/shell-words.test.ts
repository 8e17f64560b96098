import { expect, it } from 'vitest';
import { shellWords } from './shell-words.ts';

it.each([
  ['get  foo ', ['get', 'foo']],
  [`put "a b" 'c "d"'`, ['put', 'a b', 'c "d"']],
  [String.raw`put a\ b "x\"y\n" 'it'\''s'`, ['put', 'a b', String.raw`x"y\n`, "it's"]],
  [`get "" --prefix`, ['get', '', '--prefix']],
  ['get foo # all of it', ['get', 'foo']],
  ['get foo#bar', ['get', 'foo#bar']],
  ['put a \\\nb', ['put', 'a', 'b']],
  ['put a "x\ny"', ['put', 'a', 'x\ny']],
  ['   ', []],
  ['# nothing\nversion', ['version']],
])('takes %j apart', (line, words) => {
  expect(shellWords(line)).toMatchObject({ words, isOpen: false });
});

it.each(['put a \\', 'put a "b', "put a 'b"])('%j goes on in the next line', (line) => {
  expect(shellWords(line).isOpen).toBe(true);
});

it('tells whether the last word may go on', () => {
  expect(shellWords('get fo').isLastUnfinished).toBe(true);
  expect(shellWords('get fo ').isLastUnfinished).toBe(false);
});
