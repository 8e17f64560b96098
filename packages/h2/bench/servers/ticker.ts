/** What is sent one message at a time. */
export interface TickMember {
  /** Sends one; false: the peer has to take some first. */
  sendOne(): boolean;
  /** Nothing is left; it is not asked again. */
  readonly isDone: boolean;
}

/**
 * Has every member send one message in each turn of the loop, as a store does that tells its watchers of
 * each change: messages of a stream never come together, those of a connection do.
 */
export class Ticker {
  #members: TickMember[] = [];
  #isRunning = false;

  add(member: TickMember): void {
    this.#members.push(member);
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(() => this.#tick());
  }

  #tick(): void {
    let hasSent = false;
    let isAnyDone = false;
    for (const member of this.#members) {
      if (member.sendOne()) hasSent = true;
      if (member.isDone) isAnyDone = true;
    }
    if (isAnyDone) this.#members = this.#members.filter((member) => !member.isDone);
    this.#isRunning = this.#members.length > 0;
    if (!this.#isRunning) return;
    // Turns in which nobody may send are not what is measured.
    if (hasSent) setImmediate(() => this.#tick());
    else setTimeout(() => this.#tick(), 1);
  }
}
