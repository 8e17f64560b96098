import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** What was measured, where, and how to do it again, as a list. `about` are lines of the benchmark's own. */
export function circumstances(command: string, about: readonly string[]): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  const processor = cpus()[0]?.model ?? 'unknown';
  const lines = [
    `machine: ${cpus().length} cores, ${processor}, ${memory} GiB, Linux ${release()}`,
    ...about,
    `Node ${process.version}; commit ${answerOf('git', 'rev-parse', '--short', 'HEAD')}`,
    `command: ${[command, ...process.argv.slice(2)].join(' ')}`,
  ];
  return lines.map((line) => `- ${line}`).join('\n');
}

/** What a command prints; `unknown` where it does not run. */
export function answerOf(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  } catch {
    return 'unknown';
  }
}

/** Keeps a report and its raw data in a folder, under the time of now. */
export function save(folder: string, text: string, data: object): void {
  mkdirSync(folder, { recursive: true });
  const name = new Date().toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-');
  writeFileSync(join(folder, `${name}.md`), text);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(data, null, 1)}\n`);
}
