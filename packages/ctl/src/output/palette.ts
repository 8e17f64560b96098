import { styleText } from 'node:util';
import type { Host, Output } from '../host.ts';

/** The colours of kvctl, by what they mean. Each gives back the text as it is where no colours are wanted. */
export interface Palette {
  readonly isColoured: boolean;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly heading: (text: string) => string;
  readonly faint: (text: string) => string;
}

type Style = Parameters<typeof styleText>[0];

/** Colours for a terminal, unless NO_COLOR is set to anything or TERM is `dumb`. */
export function paletteFor(output: Output, env: Host['env']): Palette {
  const isColoured =
    output.isTerminal && (env.NO_COLOR ?? '') === '' && (env.TERM ?? '') !== 'dumb';
  const style = (format: Style) => (text: string) =>
    isColoured ? styleText(format, text, { validateStream: false }) : text;
  return {
    isColoured,
    good: style('green'),
    warning: style('yellow'),
    bad: style('red'),
    heading: style('bold'),
    faint: style('dim'),
  };
}
