import { type Answer, answerOf, askAll, type Question, stream } from './curl.ts';
import { differences } from './differences.ts';
import type { Seen, Step } from './step.ts';

/** How a server is asked: where it is, and options of curl that all questions get. */
export interface Stage {
  readonly url: string;
  readonly options: readonly string[];
  /** A process for each question: curl 7.88 can't ask twice on one HTTP/2 connection without TLS. */
  readonly isOneByOne: boolean;
  /** What stands for `{name}` in a story from its beginning. */
  readonly known?: Readonly<Record<string, string>>;
}

const GRPC_TYPE = 'grpc-metadata-content-type';

/** Fields that tell of the process rather than of what it was asked, wherever they stand. */
const everywhere = new Set([
  'clientURLs',
  'raftIndex',
  'raftAppliedIndex',
  'dbSize',
  'dbSizeInUse',
]);

/** One server's way through a story. */
export class Player {
  readonly #stage: Stage;
  readonly #captured: Map<string, string>;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#captured = new Map(Object.entries(stage.known ?? {}));
  }

  /** Asks everything, and tells what was answered. */
  async play(steps: readonly Step[]): Promise<Seen[]> {
    const seen: Seen[] = [];
    const { isOneByOne } = this.#stage;
    for (const batch of isOneByOne ? steps.map((step) => [step]) : batches(steps)) {
      const answers = await this.#answers(batch);
      for (const [i, answer] of answers.entries()) seen.push(this.#see(batch[i] as Step, answer));
    }
    return seen;
  }

  /** One process of curl asks all of a batch. */
  async #answers(batch: readonly Step[]): Promise<Answer[]> {
    const [first] = batch;
    if (first?.lines === undefined) {
      return askAll(
        this.#stage.url,
        batch.map((step) => this.#fill(step)),
      );
    }
    return [await this.#stream(this.#fill(first), first.lines, first.meanwhile ?? [])];
  }

  #see(step: Step, answer: Answer): Seen {
    const body = parsed(answer);
    for (const [name, field] of Object.entries(step.capture ?? {})) {
      this.#captured.set(name, String(find(body, field)));
    }
    const masked = new Set([...everywhere, ...(step.mask ?? [])]);
    return {
      status: answer.status,
      type: answer.headers['content-type'],
      grpcType: answer.headers[GRPC_TYPE],
      authenticate: answer.headers['www-authenticate'],
      allow: answer.headers['access-control-allow-methods'],
      body: body.map((line) => mask(line, masked)),
    };
  }

  async #stream(
    question: Question,
    count: number,
    meanwhile: readonly Question[],
  ): Promise<Answer> {
    await using program = await stream(this.#stage.url, question);
    const { stdout } = program;
    // An empty line ends the headers.
    await stdout.line(/^\r$/);
    const head = stdout.lines.indexOf('\r') + 1;
    if (meanwhile.length > 0) await stdout.firstLines(head + 1);
    for (const other of meanwhile) await askAll(this.#stage.url, [this.#fill(other)]);
    const lines = await stdout.firstLines(head + count);
    return answerOf(lines.join('\n'));
  }

  #fill({ path, body, options = [] }: Question): Question {
    const fill = (text: string) =>
      text.replace(/\{(\w+)\}/g, (whole, name: string) => this.#captured.get(name) ?? whole);
    const all = [...this.#stage.options, ...options.map(fill)];
    return { path, options: all, ...(body === undefined ? {} : { body: fill(body) }) };
  }
}

/** Steps that can be asked without looking at an answer in between; a stream is by itself. */
function batches(steps: readonly Step[]): Step[][] {
  const all: Step[][] = [];
  let open = false;
  for (const step of steps) {
    if (open && step.lines === undefined) all.at(-1)?.push(step);
    else all.push([step]);
    open = step.lines === undefined && step.capture === undefined;
  }
  return all;
}

/** What was seen, without the differences that the step meets. */
export function withoutDifferences({ differs = [] }: Step, seen: Seen): Seen {
  return differs.reduce((rest, name) => differences[name].normalize(rest), seen);
}

/** As text, so that the order of fields counts. */
export function textOf(seen: Seen): string {
  return JSON.stringify(seen, undefined, 1);
}

function parsed({ body }: Answer): unknown[] {
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        // Go's parser puts one of two spaces behind `proto:`, as the build has it, lest people rely on its texts.
        return JSON.parse(line.replaceAll('proto:\u00a0', 'proto: '));
      } catch {
        return line;
      }
    });
}

function mask(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((inner) => mask(inner, names));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (names.has(name)) return [name, '<masked>'];
      const masked = mask(inner, names);
      return [name, name === 'members' && Array.isArray(masked) ? byUrls(masked) : masked];
    }),
  );
}

/** Members are listed in the order of their ids, which are another one each time. */
function byUrls(members: readonly unknown[]): unknown[] {
  const urlsOf = (member: unknown) => JSON.stringify(find(member, 'peerURLs'));
  return members.toSorted((a, b) => (urlsOf(a) < urlsOf(b) ? -1 : 1));
}

/** The first value under a name, wherever it stands. */
function find(value: unknown, name: string): unknown {
  if (value === null || typeof value !== 'object') return undefined;
  if (name in value) return (value as Record<string, unknown>)[name];
  for (const inner of Object.values(value)) {
    const found = find(inner, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
