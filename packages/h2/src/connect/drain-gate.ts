/** Where a sender waits until its call may go on. */
export class DrainGate {
  #wake: (() => void) | undefined = undefined;

  /** Resolves at the next `open`. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  open(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
