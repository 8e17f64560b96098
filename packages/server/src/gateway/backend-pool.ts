/** One server that connections can be passed to. */
export interface Backend {
  /** As it is logged and resolved: `host:port`, IPv6 in brackets. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Of its SRV record: those with the smallest are chosen first. 0 without a record. */
  readonly priority: number;
  /** Of its SRV record: its share among those of its priority. 0 without a record. */
  readonly weight: number;
}

/**
 * Which server gets the next connection: of those that are up, the ones of the smallest priority, by weight where there
 * are weights, else in turn. One that could not be reached is set aside until it could be again.
 */
export class BackendPool {
  readonly #backends: readonly Backend[];
  readonly #random: () => number;
  readonly #down = new Set<Backend>();
  #turn = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(backends: readonly Backend[], random: () => number) {
    this.#backends = backends;
    this.#random = random;
  }

  /** Those that are set aside. */
  get down(): readonly Backend[] {
    return [...this.#down];
  }

  get addresses(): readonly string[] {
    return this.#backends.map((backend) => backend.address);
  }

  /**
   * The next server for a connection that has `tried` others in vain; undefined when there is no other. When none is
   * up, those that are down are tried again: one may have come back, and the client has nowhere else to go.
   */
  pick(tried: ReadonlySet<Backend>): Backend | undefined {
    const left = this.#backends.filter((backend) => !tried.has(backend));
    const up = left.filter((backend) => !this.#down.has(backend));
    const candidates = up.length > 0 ? up : left;
    const best = Math.min(...candidates.map(({ priority }) => priority));
    const equals = candidates.filter(({ priority }) => priority === best);
    return this.#byWeight(equals) ?? equals[this.#turn++ % equals.length];
  }

  /** It could not be reached. Returns whether that is news. */
  failed(backend: Backend): boolean {
    if (this.#down.has(backend)) return false;
    this.#down.add(backend);
    return true;
  }

  /** It could be reached. Returns whether that is news. */
  worked(backend: Backend): boolean {
    return this.#down.delete(backend);
  }

  #byWeight(backends: readonly Backend[]): Backend | undefined {
    const total = backends.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return undefined;
    let left = this.#random() * total;
    return backends.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
  }
}
