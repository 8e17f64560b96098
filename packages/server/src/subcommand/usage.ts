import type { SubcommandFlag } from './flag-set.ts';

/** The text of --help for `kvorum NAME start`. */
export function usageOf(name: string, summary: string, flags: readonly SubcommandFlag[]): string {
  const lines = flags.map(({ name: flag, kind, defaultText, help }) => {
    const value = kind === 'bool' ? '' : ` ${wordFor[kind]}`;
    const initial = defaultText === '' || kind === 'bool' ? '' : ` Default: ${defaultText}.`;
    return `  --${flag}${value}\n    ${help}${initial}\n`;
  });
  return `Usage:\n\n  kvorum ${name} start [flags]\n    ${summary}\n\n${lines.join('')}`;
}

const wordFor = {
  text: 'TEXT',
  list: 'A,B,...',
  int: 'NUMBER',
  uint: 'NUMBER',
  duration: 'DURATION',
} as const;
