import { kvorumProgram } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';

/** A busy machine included, in ms. */
const READY_DEADLINE_MS = 30_000;

/** `kvorum gateway` or `kvorum grpc-proxy` in a process of its own. */
export class ProxyProgram implements AsyncDisposable {
  /** Where clients reach it, `host:port`. */
  readonly endpoint: string;
  readonly process: RunningProgram;

  private constructor(endpoint: string, process: RunningProgram) {
    this.endpoint = endpoint;
    this.process = process;
  }

  /** Resolves when it takes clients, on a free port. */
  static async start(
    kind: 'gateway' | 'grpc-proxy',
    flags: readonly string[],
  ): Promise<ProxyProgram> {
    const { file, args } = kvorumProgram();
    const words = [...args, kind, 'start', '--listen-addr=127.0.0.1:0', ...flags];
    const process = await RunningProgram.start(file, { args: words });
    try {
      const line = await process.stderr.line(/ready to proxy client requests/, READY_DEADLINE_MS);
      const { address } = JSON.parse(line) as { readonly address: string };
      return new ProxyProgram(address, process);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return `http://${this.endpoint}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** Runs a command line of `kvorum` to its end. */
export async function runKvorum(...words: readonly string[]) {
  const { file, args } = kvorumProgram();
  await using process = await RunningProgram.start(file, { args: [...args, ...words] });
  const { code } = await process.exited;
  return { code, stdout: process.stdout.text, stderr: process.stderr.text };
}
