import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const docs = join(import.meta.dirname, '../../docs');

/** The pages whose code is run: all of the cookbook, and one more. */
export const pages: readonly string[] = [
  ...readdirSync(join(docs, 'cookbook')).map((name) => `cookbook/${name}`),
  'migrating-from-etcd3.md',
].sort();

/** One block of code, which is a program. */
export interface Program {
  /** Page, line and heading, for the reader of a failure. */
  readonly name: string;
  /** Of a file of its own. */
  readonly file: string;
  readonly code: string;
  readonly runsIn: 'node' | 'browser';
  /** What it prints, line by line, as its comments say. */
  readonly prints: readonly string[];
}

const kinds: Readonly<Record<string, Program['runsIn']>> = { ts: 'node', 'ts browser': 'browser' };

/** All code of a page. Throws for a block that nothing would run. */
export function programsOf(page: string): Program[] {
  const lines = readFileSync(join(docs, page), 'utf8').split('\n');
  const programs: Program[] = [];
  let heading = '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    if (!/^\s*(```|~~~)/.test(line)) continue;
    const where = `${page}:${at + 1}`;
    const runsIn = kinds[line.replace(/^```/, '')];
    if (runsIn === undefined) throw new Error(`${where}: nothing runs a block of "${line}"`);
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`${where}: the block has no end`);
    const code = `${lines.slice(at + 1, end).join('\n')}\n`;
    programs.push({
      name: `${where} ${heading}`,
      file: `${where.replaceAll(/[/:]|\.md/g, '-')}.ts`,
      code,
      runsIn,
      prints: [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text = '']) => text),
    });
    at = end;
  }
  return programs;
}
