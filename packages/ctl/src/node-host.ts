import type { Host, Input, Output } from './host.ts';
import { NodeLineEditor } from './node-line-editor.ts';
import type { Program } from './program/command.ts';
import { runProgram } from './program/run-program.ts';

/** A program's exit code after its reader went away, as a shell tells it of a process that SIGPIPE ended. */
const brokenPipeCode = 141;

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
    connect: async (options) => {
      const { connect } = await import('@kvorum/client');
      return connect(options);
    },
  };
}

function nodeOutput(stream: NodeJS.WriteStream): Output {
  return {
    isTerminal: stream.isTTY === true,
    columns: stream.columns,
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
      process.stderr.write(prompt);
      // readline echoes what is typed to its output: nowhere.
      const output = new Writable({ write: (_bytes, _encoding, done) => done() });
      const lines = createInterface({ input: process.stdin, output, terminal: true });
      try {
        return await lines.question('');
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
