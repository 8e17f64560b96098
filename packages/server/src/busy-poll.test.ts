import { describe, expect, it } from 'vitest';
import { BusyPoll } from './busy-poll.ts';

/** A loop whose turns and time the test moves: every turn takes an eighth of a millisecond. */
class Turns {
  #nowMs = 0;
  #next: (() => void)[] = [];
  taken = 0;

  nowMs = () => this.#nowMs;
  nextTurn = (callback: () => void) => this.#next.push(callback);

  /** Takes a turn if one is wanted; false otherwise. */
  take(): boolean {
    const callbacks = this.#next;
    this.#next = [];
    if (callbacks.length === 0) return false;
    this.#nowMs += 0.125;
    this.taken += 1;
    for (const callback of callbacks) callback();
    return true;
  }

  /** Turns that were taken without anything to do. */
  settle(): number {
    let turns = 0;
    while (this.take()) turns += 1;
    return turns;
  }
}

/** A client that asks again `turns` turns after each answer. */
function converse(poll: BusyPoll, turns: Turns, answers: number, delay: number): void {
  for (let i = 0; i < answers; i++) {
    poll.answered();
    for (let turn = 0; turn < delay && turns.take(); turn++);
    poll.heard();
    turns.settle();
  }
}

describe('waiting for the next request without sleeping', () => {
  it('goes on for a client that asks again at once', () => {
    const turns = new Turns();
    const poll = new BusyPoll(turns, 1);
    converse(poll, turns, 600, 4);
    turns.taken = 0;
    converse(poll, turns, 100, 4);
    expect(turns.taken).toBe(100 * 5);
  });

  it('goes on when the next request is answered in the turn that brought it', () => {
    const turns = new Turns();
    const poll = new BusyPoll(turns, 1);
    converse(poll, turns, 600, 4);
    poll.answered();
    for (let i = 0; i < 100; i++) {
      expect(turns.take()).toBe(true);
      poll.heard();
      poll.answered();
    }
    // The last answer is followed by a wait of its own.
    expect(turns.settle()).toBe(1 + 8);
  });

  it('ends after its time, and stops for a client that is far away', () => {
    const turns = new Turns();
    const poll = new BusyPoll(turns, 1);
    converse(poll, turns, 600, 4);
    for (let i = 0; i < 4; i++) {
      poll.answered();
      expect(turns.settle()).toBe(8);
    }
    let waits = 0;
    for (let i = 0; i < 2560; i++) {
      poll.answered();
      if (turns.settle() > 0) waits += 1;
    }
    expect(waits).toBe(10);
  });

  it('comes back for a client that has come nearer', () => {
    const turns = new Turns();
    const poll = new BusyPoll(turns, 1);
    for (let i = 0; i < 1024; i++) {
      poll.answered();
      turns.settle();
    }
    converse(poll, turns, 256, 2);
    turns.taken = 0;
    converse(poll, turns, 10, 2);
    expect(turns.taken).toBe(10 * 3);
  });

  it('waits once for many answers of a turn', () => {
    const turns = new Turns();
    const poll = new BusyPoll(turns, 1);
    converse(poll, turns, 600, 4);
    for (let i = 0; i < 50; i++) poll.answered();
    expect(turns.settle()).toBe(8);
  });

  it('never waits when told so', () => {
    const turns = new Turns();
    const poll = new BusyPoll(turns, 0);
    converse(poll, turns, 1000, 1);
    expect(turns.taken).toBe(0);
  });
});
