import type { ChildProcess } from 'node:child_process';
import type { LineSource } from './printer.ts';

/** Starts a process with these flags: its outputs readable, its input open for as long as this process lives. */
export type SpawnMember = (flags: readonly string[]) => ChildProcess;

/** Opens the way of one stream of a process to the printer; `onLine` hears each line, too. */
export type OpenOutput = (onLine: (line: string) => void) => LineSource;

/** What happens to a member. */
export interface LocalMemberEvents {
  /** It serves clients. */
  onReady(): void;
  /** It has ended; `status` says how, for people. `wasAsked` when that was the dev-cluster's doing. */
  onEnd(status: string, wasAsked: boolean): void;
}

export type MemberState = 'running' | 'paused' | 'stopped';

const READY = 'ready to serve client requests';

/** A member in a process of its own, which may come and go. */
export class LocalMember {
  readonly name: string;
  readonly #flags: readonly string[];
  readonly #spawn: SpawnMember;
  readonly #events: LocalMemberEvents;
  readonly #output: OpenOutput;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isPaused = false;
  #wasAsked = false;

  constructor(
    name: string,
    flags: readonly string[],
    spawn: SpawnMember,
    output: OpenOutput,
    events: LocalMemberEvents,
  ) {
    this.name = name;
    this.#flags = flags;
    this.#spawn = spawn;
    this.#output = output;
    this.#events = events;
  }

  get state(): MemberState {
    if (this.#child === undefined) return 'stopped';
    return this.#isPaused ? 'paused' : 'running';
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the process that runs has ended, at once when none does. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Starts the process; does nothing when it runs. */
  start(): void {
    if (this.#child !== undefined) return;
    const child = this.#spawn(this.#flags);
    this.#child = child;
    this.#isPaused = false;
    this.#wasAsked = false;
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    this.#forward(child);
    let isOver = false;
    const finish = (status: string) => {
      if (isOver) return;
      isOver = true;
      this.#child = undefined;
      this.#events.onEnd(status, this.#wasAsked);
      ended.resolve();
    };
    child.once('error', (error) => {
      // A signal that could not be sent is no end: only a process that never began has no number.
      if (child.pid === undefined) finish(`could not be started: ${error.message}`);
    });
    child.once('close', (code, signal) => {
      finish(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  }

  /** Ends it without warning. */
  kill(): void {
    this.#wasAsked = true;
    this.#child?.kill('SIGKILL');
  }

  /** Asks it to end in good order. */
  stop(): void {
    this.#wasAsked = true;
    this.#child?.kill('SIGTERM');
    // A process that is held still hears nothing else.
    if (this.#isPaused) this.#child?.kill('SIGCONT');
    this.#isPaused = false;
  }

  pause(): void {
    this.#isPaused = this.#child?.kill('SIGSTOP') ?? false;
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.#isPaused = false;
  }

  #forward(child: ChildProcess): void {
    let isReady = false;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      const sink = this.#output((line) => {
        if (isReady || !line.includes(READY)) return;
        isReady = true;
        this.#events.onReady();
      });
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => sink.add(text));
      stream.once('close', () => sink.end());
      stream.on('error', () => {});
    }
  }
}
