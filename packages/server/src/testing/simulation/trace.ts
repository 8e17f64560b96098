/** What happens in a run: a hash of it always, and lines to read for those who ask. */
export class Trace {
  readonly #print: ((line: string) => void) | undefined;
  #a = 0x811c9dc5;
  #b = 0x01000193;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  /** Stands for everything that was told so far; equal for equal runs. */
  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#a) + hex(this.#b);
  }

  /** Takes in a number. */
  mix(value: number): void {
    const low = value | 0;
    const high = (value / 2 ** 32) | 0;
    const fraction = ((value - Math.floor(value)) * 2 ** 30) | 0;
    this.#a = Math.imul(this.#a ^ low, 0x01000193) ^ (this.#a >>> 15);
    this.#b = Math.imul(this.#b ^ fraction ^ high ^ this.#a, 0x85ebca6b) ^ (this.#b >>> 13);
  }

  /** Takes in a short word. */
  word(text: string): void {
    let hash = text.length;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i);
    this.mix(hash | 0);
  }

  /** A line for readers; it isn't made when nobody reads. */
  line(nowMs: number, text: () => string): void {
    this.#print?.(`${nowMs.toFixed(3).padStart(10)}  ${text()}`);
  }
}
