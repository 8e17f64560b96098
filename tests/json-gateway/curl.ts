import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningProgram } from '../framework/process.ts';
import { systemProgram } from '../framework/real-etcd.ts';

/** Path of curl; undefined where there is none, and then the calling file's tests are left out. */
export const curl = systemProgram('curl');

/** An answer as curl saw it. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; of several the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How to ask: a POST when there is a body, unless the options say otherwise. */
export interface Question {
  readonly path: string;
  readonly body?: string;
  /** More options of curl by their long names, such as `request=PUT`, `header=Authorization: …` or `head`. */
  readonly options?: readonly string[];
}

/** Longer than anything takes that has an end, in seconds. */
const MAX_TIME_SECONDS = 20;
/** A snapshot of an empty store, with its base64. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Stands behind each answer. */
const MARK = '<the answer ends here>';

/** Larger bodies go through a file: curl has a limit for what one option of its configuration may be. */
const LARGE_BODY = 32 * 1024;

/** Asks one after the other, on the same connection where that goes on, and waits for the end of each answer. */
export async function askAll(url: string, questions: readonly Question[]): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kvorum-curl-'));
  try {
    const config = questions.map((question, i) => {
      const { body = '' } = question;
      const more = [`max-time=${MAX_TIME_SECONDS}`, `write-out=${MARK}`];
      if (body.length <= LARGE_BODY) return configOf(url, question, more);
      const file = join(folder, `body-${i}`);
      writeFileSync(file, body);
      return configOf(url, { ...question, body: `@${file}` }, more);
    });
    const output = await run(config.join('\nnext\n'));
    const answers = output.split(MARK).slice(0, -1).map(answerOf);
    if (answers.length !== questions.length) throw new Error(`not all was answered: ${output}`);
    return answers;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What curl writes. */
function run(config: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      curl ?? '',
      ['--config', '-'],
      { maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        else
          reject(new Error(`${error.message}\n${config.slice(0, 2000)}\n${stdout.slice(-2000)}`));
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(config);
  });
}

/**
 * Asks for a stream, which goes on until it's disposed of: the lines of its output are those of the head of the answer,
 * an empty one (but for the carriage return), and those of its body.
 */
export async function stream(url: string, question: Question): Promise<RunningProgram> {
  const program = await RunningProgram.start(curl ?? '', { args: ['--config', '-'] });
  program.write(configOf(url, question, ['no-buffer']));
  program.endInput();
  return program;
}

/** What `--include` has curl write. */
export function answerOf(output: string): Answer {
  const [head = '', ...rest] = output.split('\r\n\r\n');
  // An answer of its own precedes the real one when curl asked whether the body is wanted.
  if (/^HTTP\/\S+ 100/.test(head)) return answerOf(rest.join('\r\n\r\n'));
  const [first = '', ...lines] = head.split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(fields),
    body: rest.join('\r\n\r\n'),
  };
}

function configOf(
  url: string,
  { path, body, options = [] }: Question,
  more: readonly string[],
): string {
  const data = body === undefined ? [] : [`data-binary=${body}`];
  const all = [
    'silent',
    'include',
    'path-as-is',
    `url=${url}${path}`,
    ...data,
    ...options,
    ...more,
  ];
  return all.map(configLine).join('\n');
}

function configLine(option: string): string {
  const at = option.indexOf('=');
  if (at < 0) return option;
  const escapes: Readonly<Record<string, string>> = {
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '"': '\\"',
    '\\': '\\\\',
  };
  const value = option.slice(at + 1).replace(/[\n\r\t"\\]/g, (char) => escapes[char] ?? char);
  return `${option.slice(0, at)} = "${value}"`;
}
