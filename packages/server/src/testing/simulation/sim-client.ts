import type { Prng } from '@kvorum/wal/testing';
import type { Answer, OpenCall, Request } from '../history/index.ts';
import { describeAnswer, describeRequest } from '../history/operation.ts';
import { isHarmless, refusalOf } from '../history/wire.ts';
import { wireCallOf } from './call-table.ts';
import type { Workload } from './workload.ts';
import type { SimWorld } from './world.ts';

/** One client: calls one member after the other, one call at a time, and writes down what it is told. */
export class SimClient {
  readonly #id: number;
  readonly #world: SimWorld;
  readonly #workload: Workload;
  readonly #prng: Prng;
  /** Time between an answer and the next call at most, in ms. */
  readonly #thinkMs: number;
  #member: number;
  #isStopped = false;
  /** A call is running. */
  isBusy = false;

  constructor(id: number, world: SimWorld, workload: Workload, prng: Prng, thinkMs: number) {
    this.#id = id;
    this.#world = world;
    this.#workload = workload;
    this.#prng = prng;
    this.#thinkMs = thinkMs;
    this.#member = world.cluster.anyone(prng);
  }

  start(): void {
    this.#later();
  }

  /** No further calls. */
  stop(): void {
    this.#isStopped = true;
  }

  #later(): void {
    const { time } = this.#world.cluster;
    time.after(this.#prng.below(this.#thinkMs * 1000) / 1000, () => {
      if (!this.#isStopped) this.#call(this.#workload.next(this.#id));
    });
  }

  #call(request: Request): void {
    const { cluster, history } = this.#world;
    const { time } = cluster;
    if (this.#prng.chance(0.1)) this.#member = cluster.anyone(this.#prng);
    const at = this.#member;
    const call = history.called(this.#id, request, time.nowMs);
    const wire = wireCallOf(request);
    let isOpen = true;
    this.isBusy = true;
    const end = (finish: () => void, isLost: boolean) => {
      if (!isOpen) return;
      isOpen = false;
      this.isBusy = false;
      stopTimer();
      finish();
      // A client looks for another member when one is of no use.
      if (isLost) this.#member = cluster.anyone(this.#prng);
      if (!this.#isStopped) this.#later();
    };
    const stopTimer = time.after(2_000 + this.#prng.below(6_000), () => {
      end(() => this.#unknown(call, at, 'timed out'), true);
    });
    cluster.invoke(at, wire.path, wire.bytes, {
      reply: (message) => end(() => this.#answered(call, at, wire.answerOf(message)), false),
      fail: (_, text) => {
        const reason = refusalOf(text);
        const answer = { kind: 'refused', reason } as Answer;
        if (reason !== undefined) end(() => this.#answered(call, at, answer), false);
        else if (isHarmless(text)) end(() => history.refused(call), true);
        else end(() => this.#unknown(call, at, text), true);
      },
      refused: () => end(() => history.refused(call), true),
      lost: () => end(() => this.#unknown(call, at, 'lost'), true),
    });
  }

  #answered(call: OpenCall, at: number, answer: Answer): void {
    const { cluster, history, checks, trace } = this.#world;
    const { nowMs } = cluster.time;
    history.returned(call, answer, nowMs);
    const revision = answer.kind === 'refused' ? 0 : answer.revision;
    checks.told(at, revision);
    trace.mix(revision);
    this.#workload.learned(call.request, answer);
    trace.line(
      nowMs,
      () => `${this.#who(at)} ${describeRequest(call.request)} → ${describeAnswer(answer)}`,
    );
  }

  #unknown(call: OpenCall, at: number, why: string): void {
    const { cluster, history, trace } = this.#world;
    // A read without an answer says nothing.
    if (call.request.kind === 'range') history.refused(call);
    else history.gaveUp(call);
    trace.word(why);
    trace.line(
      cluster.time.nowMs,
      () => `${this.#who(at)} ${describeRequest(call.request)} ✗ ${why}`,
    );
  }

  #who(at: number): string {
    return `c${this.#id} → m${at}`;
  }
}
