import type { Prng } from '@kvorum/wal/testing';
import { askV2 } from '../../v2/testing/v2-client.ts';
import type { SimMember } from '../sim-member.ts';
import type { SimWorld } from './world.ts';

const KEYS = 5;
const VALUES = 9;

/** A client that changes v2 keys at any member, and remembers what it was told of. */
export class V2Writer {
  readonly #world: SimWorld;
  readonly #prng: Prng;
  /** Answers to changes, by the index that each took. */
  readonly #told = new Map<number, string>();
  readonly #violations: string[] = [];
  #isStopped = false;

  constructor(world: SimWorld, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
  }

  /** Changes that were confirmed. */
  get changes(): number {
    return this.#told.size;
  }

  start(): void {
    const { time } = this.#world.cluster;
    time.after(20 + this.#prng.below(200), () => {
      if (this.#isStopped) return;
      this.#write();
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** What is wrong with the history of a member that has applied everything. */
  check({ core }: SimMember): readonly string[] {
    const { v2, store } = core;
    const wrong = [...this.#violations];
    for (const [index, json] of this.#told) {
      if (index < v2.history.startIndex) continue;
      const [since, path] = [BigInt(index), '/1'];
      const watch = { path, isRecursive: true, isStream: false, sinceIndex: since };
      const [event] = v2.history.findAll(store.engine, watch, index);
      const found = event?.index === index ? JSON.stringify(JSON.parse(event.json)) : 'none';
      if (found !== json) wrong.push(`v2 change ${index} was told as ${json}, but is ${found}`);
    }
    return wrong;
  }

  #write(): void {
    const { cluster, trace } = this.#world;
    const at = cluster.up(this.#prng);
    const line = this.#request();
    if (at === undefined) return;
    void askV2(cluster.member(at).core, line).then(
      ({ json, index }) => {
        trace.mix(index);
        trace.line(cluster.time.nowMs, () => `v2 m${at} ${line}: ${JSON.stringify(json)}`);
        if (json.errorCode === undefined) this.#confirmed(index, JSON.stringify(json));
      },
      () => {
        // The member has ended meanwhile.
      },
    );
  }

  #confirmed(index: number, json: string): void {
    const other = this.#told.get(index);
    if (other !== undefined) this.#violations.push(`v2 index ${index}: ${other}, and ${json}`);
    this.#told.set(index, json);
  }

  #request(): string {
    const key = `k${this.#prng.below(KEYS)}`;
    const value = this.#prng.below(VALUES);
    switch (this.#prng.below(8)) {
      case 0:
        return `PUT /${key} value=${value}&prevExist=false`;
      case 1:
        return `PUT /${key} value=${value}&prevValue=${this.#prng.below(VALUES)}`;
      case 2:
        return `PUT /d/${key} value=${value}&ttl=${1 + value}`;
      case 3:
        return `POST /d value=${value}`;
      case 4:
        return `DELETE /${key}`;
      case 5:
        return 'DELETE /d?recursive=true';
      default:
        return `PUT /${key} value=${value}`;
    }
  }
}
