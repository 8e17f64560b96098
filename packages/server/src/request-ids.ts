/**
 * Ids of replicated requests, unique across members and restarts: the low 16 bits of the member id, 40 bits of the
 * start time in milliseconds, then a counter that grows into them (`etcd: pkg/idutil/id.go`). As two halves of 32 bits,
 * since that is what the hot path writes.
 */
export class RequestIds {
  high: number;
  low: number;

  /** `startMs` is wall-clock time in milliseconds since 1970. */
  constructor(memberId: bigint, startMs: number) {
    const suffix = (BigInt(Math.floor(startMs)) & 0xff_ffff_ffffn) << 8n;
    const first = ((memberId & 0xffffn) << 48n) | suffix;
    this.high = Number(first >> 32n);
    this.low = Number(first & 0xffff_ffffn);
  }

  /** Moves on to the next id, which `high` and `low` then hold. */
  advance(): void {
    this.low = (this.low + 1) >>> 0;
    if (this.low === 0) this.high = (this.high + 1) >>> 0;
  }

  /** The next id as a number that fits an int64: used for lease ids, so never 0. */
  nextInt63(): bigint {
    this.advance();
    return ((BigInt(this.high) << 32n) | BigInt(this.low)) & 0x7fff_ffff_ffff_ffffn;
  }
}
