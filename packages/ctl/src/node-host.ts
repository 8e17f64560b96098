import { badArguments, ExitError } from './exit-error.ts';
import type { Host, Input, Output } from './host.ts';
import { NodeLineEditor } from './node-line-editor.ts';
import type { Program } from './program/command.ts';
import { runProgram } from './program/run-program.ts';

/** A program's exit code after its reader went away, as a shell tells it of a process that SIGPIPE ended. */
const brokenPipeCode = 141;

/** etcdctl's exit code of a question for a password that Ctrl-C has ended. */
const signalCode = 255;

/** Runs a program in this process, and ends it. */
export async function runOnNode(program: Program): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(brokenPipeCode);
      throw error;
    });
  }
  process.exit(await runProgram(program, nodeHost()));
}

function nodeHost(): Host {
  return {
    args: process.argv.slice(2),
    env: process.env,
    stdin: nodeInput(),
    stdout: nodeOutput(process.stdout),
    stderr: nodeOutput(process.stderr),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    interrupted,
    openLines: (options) => new NodeLineEditor(process.stdin, process.stdout, options),
    resolveSrv: async (name) => {
      const { srvResolver } = await import('@kvorum/client');
      return srvResolver()(name);
    },
    connect: async (options) => {
      const { connectRpc } = await import('@kvorum/client');
      return connectRpc(options);
    },
  };
}

function nodeOutput(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  return {
    isTerminal: stream.isTTY === true,
    columns: stream.columns,
    descriptor: stream.fd,
    write: (data) => {
      stream.write(data);
    },
    drained: () => {
      if (!stream.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => {
        stream.once('drain', resolve);
      });
    },
  };
}

function nodeInput(): Input {
  return {
    isTerminal: process.stdin.isTTY === true,
    bytes: process.stdin,
    readSecret: async (prompt) => {
      const { createInterface } = await import('node:readline/promises');
      const { Writable } = await import('node:stream');
      // readline echoes what is typed to its output: nowhere.
      const output = new Writable({ write: (_bytes, _encoding, done) => done() });
      const lines = createInterface({ input: process.stdin, output, terminal: true });
      // Only now is nothing shown that is typed.
      process.stderr.write(prompt);
      const givenUp = new Promise<never>((_resolve, reject) => {
        lines.once('SIGINT', () => reject(new ExitError(signalCode, '')));
        lines.once('close', () => reject(badArguments('failed to ask password: EOF')));
      });
      try {
        return await Promise.race([lines.question('').catch(() => givenUp), givenUp]);
      } finally {
        lines.close();
        process.stderr.write('\n');
      }
    },
  };
}

let interruption: AbortController | undefined;

function interrupted(): AbortSignal {
  if (interruption === undefined) {
    const controller = new AbortController();
    interruption = controller;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => controller.abort(signal));
    }
  }
  return interruption.signal;
}
