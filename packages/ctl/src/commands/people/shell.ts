import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exitCodes } from '../../exit-error.ts';
import type { Host, LineEditor } from '../../host.ts';
import { candidatesFor } from '../../program/candidates.ts';
import { defineCommand, type Program } from '../../program/command.ts';
import { credentialsOf } from '../../program/connect-options.ts';
import { findCommand } from '../../program/find-command.ts';
import { runProgram } from '../../program/run-program.ts';
import { shellWords } from '../../program/shell-words.ts';

/** Lines of history that are loaded. */
const historyLines = 1000;

export const shell = defineCommand({
  use: 'shell [global options]',
  long: `
Reads commands line by line and runs them, with the global options that it was given itself. On a terminal with history,
and completion of commands, flags, keys, members, users and roles by Tab. Quotes and backslashes work as in a shell; a line
that ends with a backslash or within quotes goes on in the next one. Ctrl-C ends the command that runs, Ctrl-D or exit the
shell. The exit code is that of the last command.

The history is kept in $XDG_STATE_HOME/kvctl/history (or ~/.local/state), without lines that hold passwords.`,
  flags: {},
  run: async (invocation) => {
    const { host } = invocation;
    const { kvctlProgram } = await import('../../kvctl-program.ts');
    const given = [...findCommand(kvctlProgram, host.args).args];
    const globals = invocation.globals();
    const credentials = await credentialsOf(globals, host.stdin);
    if (credentials !== undefined && globals.password === '' && !globals.user.includes(':')) {
      given.push(`--password=${credentials.password}`);
    }
    const historyFile = historyPath(host.env);
    const session = new Session(kvctlProgram, host, given);
    using editor = host.openLines({
      history: host.stdin.isTerminal ? await readHistory(historyFile) : [],
      complete: (line) => session.complete(line),
      onInterrupt: () => session.interrupt(),
    });
    if (host.stdin.isTerminal) {
      const where = (await invocation.endpoints()).join(', ');
      invocation.warn(
        `Talking to ${where}. Tab completes, help lists commands, exit or Ctrl-D leaves.`,
      );
    }
    for (;;) {
      const text = await readCommand(editor);
      if (text === undefined) return session.exitCode;
      if (host.stdin.isTerminal && !holdsPassword(text)) await appendHistory(historyFile, text);
      const words = session.wordsOf(text);
      if (words[0] === 'exit' || words[0] === 'quit') return session.exitCode;
      if (words.length > 0) await session.run(words, editor);
    }
  },
});

/** A command of one or several lines; undefined at the end of the input. */
async function readCommand(editor: LineEditor): Promise<string | undefined> {
  let text = '';
  for (;;) {
    const answer = await editor.next(text === '' ? 'kvctl> ' : '     > ');
    if (answer === undefined) return text === '' ? undefined : text;
    if (answer === 'interrupted') {
      text = '';
      continue;
    }
    text = text === '' ? answer.line : `${text}\n${answer.line}`;
    if (!shellWords(text).isOpen) return text;
  }
}

/** Runs the commands of a shell, one after the other. */
class Session {
  /** Of the last command. */
  exitCode: number = exitCodes.ok;
  readonly #program: Program;
  readonly #host: Host;
  /** Global options of the shell itself. */
  readonly #given: readonly string[];
  #running: AbortController | undefined = undefined;

  constructor(program: Program, host: Host, given: readonly string[]) {
    this.#program = program;
    this.#host = host;
    this.#given = given;
  }

  /** The words of a command, without the program's name before them. */
  wordsOf(text: string): readonly string[] {
    const { words } = shellWords(text);
    return words[0] === 'kvctl' || words[0] === 'etcdctl' ? words.slice(1) : words;
  }

  async run(words: readonly string[], editor: LineEditor): Promise<void> {
    const host = this.#host;
    if (words[0] === 'shell') {
      host.stderr.write('Error: this is a shell already\n');
      this.exitCode = exitCodes.error;
      return;
    }
    const running = new AbortController();
    this.#running = running;
    const args = words[0] === 'help' ? [...words.slice(1), '--help'] : [...this.#given, ...words];
    this.exitCode = await runProgram(this.#program, {
      ...host,
      args,
      stdin: {
        isTerminal: false,
        bytes: inputOf(editor),
        readSecret: (prompt) => host.stdin.readSecret(prompt),
      },
      interrupted: () => running.signal,
    });
    this.#running = undefined;
  }

  interrupt(): void {
    this.#running?.abort('SIGINT');
  }

  async complete(line: string): Promise<readonly [readonly string[], string]> {
    const { words, isLastUnfinished } = shellWords(line);
    const begun = isLastUnfinished ? (words.at(-1) ?? '') : '';
    const before = isLastUnfinished ? words.slice(0, -1) : words;
    const asked = [...(before.length > 0 ? this.#given : []), ...before, begun];
    const candidates = await candidatesFor(this.#program, this.#host, asked);
    return [candidates.map(({ word }) => (word.endsWith('/') ? word : `${word} `)), begun];
  }
}

/** What the lines that follow are to a command that reads its input. */
async function* inputOf(editor: LineEditor): AsyncGenerator<Uint8Array> {
  for (;;) {
    const answer = await editor.next('');
    if (answer === undefined || answer === 'interrupted') return;
    yield Buffer.from(`${answer.line}\n`);
  }
}

function historyPath(env: Host['env']): string | undefined {
  const { XDG_STATE_HOME: state, HOME: home } = env;
  if ((state ?? '') !== '') return join(state ?? '', 'kvctl', 'history');
  return (home ?? '') === '' ? undefined : join(home ?? '', '.local', 'state', 'kvctl', 'history');
}

/** Lines of history, one command each. None where they cannot be read: a shell without a past is still one. */
async function readHistory(path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return [];
  try {
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.slice(-historyLines);
  } catch {
    return [];
  }
}

async function appendHistory(path: string | undefined, text: string): Promise<void> {
  if (path === undefined || text.trim() === '' || text.includes('\n')) return;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await appendFile(path, `${text}\n`, { mode: 0o600 });
  } catch {
    // A home that cannot be written to is no reason not to work.
  }
}

function holdsPassword(text: string): boolean {
  return /--user|--password|\buser\s+(add|passwd)\b/.test(text);
}
