import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kvorumProgram, type ServerProgram } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { RunningProgram } from '../framework/process.ts';

/** For the first lines of a program: loads of a busy machine included. */
export const START_DEADLINE_MS = 30_000;

/** A member on its way into a cluster. */
export interface FoundingMember extends AsyncDisposable {
  readonly process: RunningProgram;
  readonly dataDir: string;
  readonly peerUrl: string;
}

export interface FoundingOptions {
  readonly name?: string;
  /** The flags of discovery. */
  readonly flags: readonly string[];
  readonly program?: ServerProgram;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a free one. */
  readonly peerUrl?: string;
}

/** Starts a member without data, and resolves when the process exists. */
export async function startFounder(options: FoundingOptions): Promise<FoundingMember> {
  const { name = 'one', program = kvorumProgram(), flags, env } = options;
  const dataDir = await mkdtemp(join(tmpdir(), 'kvorum-founder-'));
  const [client = 0, peer = 0] = await freePorts(2);
  const clientUrl = `http://127.0.0.1:${client}`;
  const peerUrl = options.peerUrl ?? `http://127.0.0.1:${peer}`;
  const process = await RunningProgram.start(program.file, {
    args: [
      ...program.args,
      `--name=${name}`,
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      ...flags,
    ],
    ...(env === undefined ? {} : { env }),
  });
  return {
    process,
    dataDir,
    peerUrl,
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a member that comes to nothing: its exit code, and what it said to people and to the log. */
export async function failedFounder(options: FoundingOptions) {
  await using member = await startFounder(options);
  const { code } = await member.process.exited;
  const lines = member.process.stderr.text.split('\n');
  const people = lines.filter((line) => line.startsWith('kvorum: ')).map((line) => line.slice(8));
  const log = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const warnings = log.filter(({ level }) => level !== 'info');
  return { code, people, warnings: warnings.map(({ msg, error }) => ({ msg, error })) };
}
