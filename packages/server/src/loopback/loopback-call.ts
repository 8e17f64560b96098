import { grpcStatus } from '@kvorum/api';
import { CallFailure, type ChannelCallOptions } from '@kvorum/client';
import type { AbortReason, CallInfo, Connection, Message, Metadata } from '@kvorum/h2';
import type { Clock } from '../clock.ts';

/** The call that a member makes calls to itself for: those bear its caller's token and certificate. */
export type OuterCall = Pick<CallInfo, 'metadata' | 'peer' | 'connection' | 'scheme' | 'authority'>;

/** Which metadata of the outer call goes on to the inner ones: who the caller is. */
const handedOn = ['token', 'authorization'] as const;

/** A call of a member to itself, as its methods know calls. It ends with its time, or when its signal fires. */
export abstract class LoopbackCall implements CallInfo {
  readonly metadata: Metadata;
  readonly path: string;
  readonly timeoutMs: number | undefined;
  aborted = false;
  readonly #outer: OuterCall;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onSignal = () => this.#abort('cancelled');
  readonly #callOffDeadline: (() => void) | undefined;
  #isOver = false;

  constructor(path: string, options: ChannelCallOptions, outer: OuterCall, clock: Clock) {
    const { metadata, timeoutMs, signal } = options;
    this.path = path;
    this.timeoutMs = timeoutMs;
    this.metadata = new FieldList([...metadata, ...callerFields(outer)]);
    this.#outer = outer;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onSignal, { once: true });
    if (timeoutMs !== undefined) {
      this.#callOffDeadline = clock.after(timeoutMs, () => this.#abort('deadline'));
    }
  }

  get peer(): string {
    return this.#outer.peer;
  }

  get connection(): Connection | undefined {
    return this.#outer.connection;
  }

  get scheme(): string {
    return this.#outer.scheme;
  }

  get authority(): string {
    return this.#outer.authority;
  }

  remainingMs(): number | undefined {
    if (this.timeoutMs === undefined) return undefined;
    return this.#startMs + this.timeoutMs - this.#clock.nowMs();
  }

  /** Nobody is there to read them. */
  setHeaders(): void {}

  setTrailers(): void {}

  /** It is called off before it began. */
  protected get isRefused(): boolean {
    return this.#signal?.aborted === true;
  }

  /** True the first time: whoever ends it first decides how it ended. */
  protected finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#callOffDeadline?.();
    this.#signal?.removeEventListener('abort', this.#onSignal);
    return true;
  }

  /** The caller has gone: the method is told, and the caller what it ended with. */
  protected abstract onAborted(reason: AbortReason, failure: CallFailure): void;

  protected cancel(): void {
    this.#abort('cancelled');
  }

  #abort(reason: AbortReason): void {
    if (!this.finish()) return;
    this.aborted = true;
    this.onAborted(reason, failureOf(reason));
  }
}

/** A message in one piece. */
export function joined(message: Message): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}

function failureOf(reason: AbortReason): CallFailure {
  return reason === 'deadline'
    ? new CallFailure(grpcStatus.deadlineExceeded, 'context deadline exceeded', false)
    : new CallFailure(grpcStatus.canceled, 'context canceled', false);
}

function* callerFields(outer: OuterCall): Iterable<[string, string]> {
  for (const name of handedOn) {
    const value = outer.metadata.get(name);
    if (value !== undefined) yield [name, value];
  }
}

class FieldList implements Metadata {
  readonly #fields: [string, string][];

  constructor(fields: Iterable<readonly [string, string]>) {
    this.#fields = Array.from(fields, ([name, value]) => [name, value]);
  }

  get(name: string): string | undefined {
    return this.#fields.find(([one]) => one === name)?.[1];
  }

  getAll(name: string): readonly string[] {
    return this.#fields.filter(([one]) => one === name).map(([, value]) => value);
  }

  getBinary(name: string): Uint8Array | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : Buffer.from(value, 'base64');
  }

  entries(): Iterable<[string, string]> {
    return this.#fields;
  }
}
