const words = new Uint32Array(2);
const wide = new BigInt64Array(words.buffer);
wide[0] = 1n;
const LOW = words[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/**
 * The two halves of a 64-bit number, through memory: shifting and masking would make a new bigint for each step.
 * `split` leaves them in `low` and `high`; one caller at a time.
 */
export const int64Words = {
  low: 0,
  high: 0,
  split(value: bigint): void {
    wide[0] = value;
    this.low = words[LOW] as number;
    this.high = words[HIGH] as number;
  },
  /** The signed number of these halves, whose bits beyond 32 are dropped. */
  join(high: number, low: number): bigint {
    words[LOW] = low;
    words[HIGH] = high;
    return wide[0] as bigint;
  },
};
