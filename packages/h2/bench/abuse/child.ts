import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { collectorFlags } from '../collector.ts';
import type { Answers, Request } from './messages.ts';

/** The parent's handle on one process of the bench. */
export class Child {
  readonly #process: ChildProcess;

  /** Starts `file` of this folder; it ends with `stop`, or with the parent. */
  constructor(file: string) {
    this.#process = fork(join(import.meta.dirname, file), {
      execArgv: [...collectorFlags],
      serialization: 'advanced',
    });
  }

  /** Asks one question; the next only after its answer. Rejects when the process ends instead. */
  async ask<R extends Request>(request: R): Promise<Answers[R['ask']]> {
    const answered = once(this.#process, 'message');
    const ended = once(this.#process, 'exit').then(([code]) => {
      throw new Error(`the process ended with ${code} at the question ${request.ask}`);
    });
    this.#process.send(request);
    const [answer] = await Promise.race([answered, ended]);
    return answer as Answers[R['ask']];
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}
