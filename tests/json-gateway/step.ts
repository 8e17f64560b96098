import type { Question } from './curl.ts';
import type { DifferenceName } from './differences.ts';

/** A request of a story, which is asked of each server in turn. */
export interface Step extends Question {
  /**
   * `{name}` in a body or an option stands for what an earlier step captured; `{olderVersion}` for the minor version
   * before the server's.
   */
  readonly body?: string;
  /** The answer is a stream without an end: so many lines are awaited, then the client hangs up. */
  readonly lines?: number;
  /** Asked once the first line of the stream has come. */
  readonly meanwhile?: readonly Question[];
  /** Fields of the answer that later steps may use, by the name here. */
  readonly capture?: Readonly<Record<string, string>>;
  /** Fields whose values can't be the same, wherever they stand in the answer. */
  readonly mask?: readonly string[];
  /** Differences from etcd 3.5.16 that this step meets. */
  readonly differs?: readonly DifferenceName[];
}

/** What is compared of an answer. */
export interface Seen {
  readonly status: number;
  readonly type: string | undefined;
  /** Headers with which the gateway tells of the call behind it. */
  readonly grpcType: string | undefined;
  readonly authenticate: string | undefined;
  readonly allow: string | undefined;
  /** The lines of the body, as objects where they are JSON. */
  readonly body: readonly unknown[];
}

/** A text as the API has it: bytes in base64. */
export function b64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}

/** A POST of an object. */
export function post(
  path: string,
  body: unknown = {},
  more: Omit<Step, 'path' | 'body'> = {},
): Step {
  return { path: `/v3/${path}`, body: JSON.stringify(body), ...more };
}

/** A POST of any text. */
export function raw(path: string, body: string, more: Omit<Step, 'path' | 'body'> = {}): Step {
  return { path: `/v3/${path}`, body, ...more };
}

/** A request without a body, by the options of curl. */
export function bare(path: string, ...options: readonly string[]): Step {
  return { path, options };
}

export const put = (key: string, value: string): Step =>
  post('kv/put', { key: b64(key), value: b64(value) });

/** Two keys that most steps are about. */
export const a: string = b64('a');
export const z: string = b64('z');
