import type { Clock } from './clock.ts';

/** What has something to do once, at the end of the turn. */
export interface TurnMember {
  onTurnEnd(): void;
}

/** What has left something for the next turn. */
export interface HoldingMember {
  /** The next turn has come; `tookTooLong` tells that it came late. */
  onHoldEnd(tookTooLong: boolean): void;
}

/** Gathers connections that have output, so that all a turn produces on one is a single write. */
export class TurnQueue {
  readonly #clock: Clock;
  readonly #maxHoldMs: number;
  #members: TurnMember[] = [];
  #holding: HoldingMember[] = [];
  #holdingSinceMs = 0;
  readonly #end = (): void => {
    const members = this.#members;
    this.#members = [];
    for (const member of members) member.onTurnEnd();
  };
  readonly #endHolds = (): void => {
    const members = this.#holding;
    this.#holding = [];
    const tookTooLong = this.#clock.now() - this.#holdingSinceMs > this.#maxHoldMs;
    for (const member of members) member.onHoldEnd(tookTooLong);
  };

  /** Holds of over `maxHoldMs` take too long. */
  constructor(clock: Clock, maxHoldMs: number) {
    this.#clock = clock;
    this.#maxHoldMs = maxHoldMs;
  }

  /** The caller sees to it that nobody stands here twice. */
  add(member: TurnMember): void {
    if (this.#members.length === 0) this.#clock.endOfTurn(this.#end);
    this.#members.push(member);
  }

  /** Lets a member have the next turn as well. */
  hold(member: HoldingMember): void {
    if (this.#holding.length === 0) {
      this.#holdingSinceMs = this.#clock.now();
      this.#clock.nextTurn(this.#endHolds);
    }
    this.#holding.push(member);
  }
}
