import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { collectorFlags } from './collector.ts';

/** What a process has used up. */
export interface Usage {
  /** User and system, all threads. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** One more process of the benchmark, which answers questions one at a time and ends with its parent. */
export class Child {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** Starts a module of this folder and waits for its first message. */
  static async start<First>(module: string, args: readonly string[]): Promise<[Child, First]> {
    const script = new URL(module, import.meta.url).pathname;
    const child = new Child(fork(script, args, { execArgv: [...collectorFlags] }));
    return [child, await child.#answer<First>()];
  }

  async ask<Answer>(question: object): Promise<Answer> {
    const answer = this.#answer<Answer>();
    this.#process.send(question);
    return await answer;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.disconnect();
    await exit;
  }

  async #answer<Answer>(): Promise<Answer> {
    const ended = new AbortController();
    const { signal } = ended;
    try {
      const [answer] = await Promise.race([
        once(this.#process, 'message', { signal }),
        once(this.#process, 'exit', { signal }).then(([code]) => {
          throw new Error(`a process of the benchmark has ended with ${code}`);
        }),
      ]);
      return answer as Answer;
    } finally {
      ended.abort();
    }
  }
}

/** The child's side: says that it is ready, then answers every question in turn. */
export function serveParent<Question>(
  ready: object,
  answer: (question: Question) => Promise<object> | object,
): void {
  process.on('message', async (question: Question) => {
    process.send?.(await answer(question));
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(ready);
}

/** What this process has used up so far. */
export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
}
