/** What messages to another member and back took, in ms, as GET /v2/stats/leader tells it. */
export class RoundTrips {
  #count = 0;
  #current = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  observe(ms: number): void {
    this.#count += 1;
    this.#current = ms;
    this.#sum += ms;
    this.#sumOfSquares += ms * ms;
    this.#min = Math.min(this.#min, ms);
    this.#max = Math.max(this.#max, ms);
  }

  summary() {
    const count = Math.max(1, this.#count);
    const average = this.#sum / count;
    const variance = Math.max(0, this.#sumOfSquares / count - average * average);
    return {
      current: this.#current,
      average,
      standardDeviation: Math.sqrt(variance),
      minimum: this.#count === 0 ? 0 : this.#min,
      maximum: this.#max,
    };
  }
}
