import { RaftError } from '../errors.ts';
import type { MemberId, Message } from '../types.ts';
import { LoneMember, type LoneStart } from './lone-member.ts';
import { copyMessage } from './network.ts';
import { Prng } from './prng.ts';

/**
 * Real members, each with a generator of its own, and a network between them that loses what the test wants lost.
 * Membership changes take effect when they are applied.
 */
export class LoneGroup {
  readonly #members = new Map<MemberId, LoneMember>();
  readonly #down = new Set<MemberId>();
  /** Whether a message gets lost on its way. */
  loses: (message: Message) => boolean = () => false;

  /** `own` tells what is different at one member. */
  constructor(ids: readonly MemberId[], start: LoneStart = {}, own?: (id: MemberId) => LoneStart) {
    for (const id of ids) {
      const random = new Prng(Number(id)).next;
      const common = { id, voters: ids, random, appliesChanges: true, ...start };
      this.#members.set(id, new LoneMember({ ...common, ...own?.(id) }));
    }
  }

  at(id: MemberId): LoneMember {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  /** Those that run. */
  get members(): LoneMember[] {
    return [...this.#members].flatMap(([id, member]) => (this.#down.has(id) ? [] : [member]));
  }

  /** Members of the newest term that take themselves for its leader. */
  get leaders(): LoneMember[] {
    const term = Math.max(...this.members.map(({ node }) => node.term));
    return this.members.filter(({ node }) => node.role === 'leader' && node.term === term);
  }

  stop(id: MemberId): void {
    this.#down.add(id);
  }

  restart(id: MemberId): void {
    this.#down.delete(id);
    const { applied } = this.at(id).node.status();
    this.#members.set(id, this.at(id).restarted({ applied }));
  }

  /** Loses everything between these members and the others, both ways, until told otherwise. */
  isolate(...ids: readonly MemberId[]): void {
    this.loses = ({ from, to }) => ids.includes(from) !== ids.includes(to);
  }

  heal(): void {
    this.loses = () => false;
  }

  /** Carries out Readys and delivers messages until nothing moves. */
  settle(): void {
    for (let round = 0; round < 1_000; round++) {
      for (const member of this.members) member.work();
      const sent = this.members.flatMap((member) => member.take());
      if (sent.length === 0) return;
      for (const message of sent) this.#deliver(copyMessage(message));
    }
    throw new Error('the group does not settle');
  }

  #deliver(message: Message): void {
    const receiver = this.#members.get(message.to);
    if (receiver === undefined || this.#down.has(message.to) || this.loses(message)) return;
    try {
      receiver.node.step(message);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
    }
  }

  /** Time passes for all that run. */
  tick(times = 1): void {
    for (let i = 0; i < times; i++) {
      for (const { node } of this.members) node.tick();
      this.settle();
    }
  }

  /** Lets time pass until somebody leads, and everybody knows. Throws if nobody ever does. */
  elect(): LoneMember {
    for (let ticks = 0; ticks < 1_000; ticks++) {
      const [leader] = this.leaders;
      if (leader !== undefined) return leader;
      this.tick();
    }
    throw new Error('nobody is elected');
  }

  /** Lets `id` campaign, and win if it can. */
  campaign(id: MemberId): LoneMember {
    this.at(id).node.campaign();
    this.settle();
    return this.at(id);
  }
}
