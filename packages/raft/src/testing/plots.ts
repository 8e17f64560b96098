import {
  type ConfChangeSingle,
  type ConfState,
  type MemberId,
  type Message,
  noBytes,
} from '../types.ts';
import { calm, longestDelay, type SimNetwork } from './network.ts';
import { tickLength } from './sim-config.ts';
import type { SimMember, SimWorld } from './sim-member.ts';

/** What is under way: it ends by itself. */
interface Plot {
  readonly leader: SimMember;
  readonly term: number;
  /** Called when the leader has made a membership change effective. */
  readonly changed?: (conf: ConfState) => void;
}

/**
 * Faults that are aimed at the moments in which a mistake would show. Most try to make two members take themselves
 * for the leader, with clients asking both; chance alone hardly ever brings these moments about.
 */
export class Plots {
  readonly #world: SimWorld;
  readonly #network: SimNetwork;
  readonly #members: ReadonlyMap<MemberId, SimMember>;
  #current: Plot | undefined;

  constructor(world: SimWorld, network: SimNetwork, members: ReadonlyMap<MemberId, SimMember>) {
    this.#world = world;
    this.#network = network;
    this.#members = members;
  }

  /** Starts one that suits the group, unless one is under way. Returns whether it did. */
  maybeStart(): boolean {
    const { config, random } = this.#world;
    const leader = [...this.#members.values()].find(({ node }) => node?.role === 'leader');
    if (this.#current !== undefined || leader?.node === undefined) return false;
    if (leader.conf.voters.length < 2) return false;
    const choices: ((leader: SimMember) => void)[] = [
      (l) => this.#streamIsShuffled(l),
      (l) => this.#leaderIsLeftBehind(l),
      (l) => this.#answersComeLate(l),
    ];
    if (config.raft.readOnlyMode === 'leaseBased') {
      choices.push(
        (l) => this.#leaderStandsStill(l),
        (l) => this.#leadershipMovesUnnoticed(l),
        (l) => this.#votersForget(l),
      );
    }
    if (config.changeShare > 0) choices.push((l) => this.#splitAtChange(l));
    this.#world.trace.event('plot', Number(leader.id), choices.length);
    this.#network.weather = calm;
    this.#network.healAll();
    this.#begin({ leader, term: leader.node.term });
    random.pick(choices)(leader);
    return true;
  }

  end(): void {
    this.#current = undefined;
    this.#network.loses = undefined;
    this.#network.delays = undefined;
    this.#world.isQuiet = false;
  }

  /** A member has made a membership change effective. */
  changed(member: SimMember, conf: ConfState): void {
    const { leader, changed } = this.#current ?? {};
    if (member === leader && member.node?.role === 'leader') changed?.(conf);
  }

  #begin(plot: Plot): void {
    this.#current = plot;
    this.#after(8 * this.#timeout, () => this.end());
  }

  /** An election timeout at least, in virtual time. */
  get #timeout(): number {
    return this.#world.config.raft.electionTicks * tickLength;
  }

  /** Plans something that is void when the plot is over by then. */
  #after(delay: number, act: () => void): void {
    const plot = this.#current;
    this.#world.queue.after(delay, () => {
      if (this.#current?.leader === plot?.leader && this.#current?.term === plot?.term) act();
    });
  }

  /** One or another of them campaigns, again and again until one leads. */
  #letCampaign(members: readonly SimMember[], delay: number, duration: number): void {
    if (members.length === 0) return;
    for (let at = delay; at < delay + duration; at += tickLength) {
      this.#after(at, () => {
        if (members.some(({ node }) => node?.role === 'leader')) return;
        this.#world.random.pick(members).act((node) => node.campaign());
      });
    }
  }

  #votersWithout(leader: SimMember): SimMember[] {
    return leader.conf.voters.flatMap((id) =>
      id === leader.id ? [] : (this.#members.get(id) ?? []),
    );
  }

  /** A lease lasts longest by a slow clock, and a follower's promise shortest by a fast one. */
  #setClocks(leader: SimMember): void {
    const { drift } = this.#world.config;
    for (const member of this.#members.values()) {
      const rate = member === leader ? 1 + drift : 1 - drift;
      member.tickPeriod = Math.round(tickLength * rate);
    }
  }

  /** What the leader sends to one follower in a short time arrives in no order at all. */
  #streamIsShuffled(leader: SimMember): void {
    const { random } = this.#world;
    const follower = random.pick(leader.conf.voters);
    this.#network.delays = ({ type, to }) =>
      type === 'MsgApp' && to === follower ? random.below(longestDelay) : 0;
    for (let i = 0; i < 60; i++) {
      this.#after(random.below(longestDelay), () => leader.act((n) => n.propose([noBytes])));
    }
  }

  /** The leader goes on alone, and comes back with a tail that nobody wants, behind what the others have committed. */
  #leaderIsLeftBehind(leader: SimMember): void {
    this.#network.loses = ({ from, to }) => from === leader.id || to === leader.id;
    for (let i = 0; i < 10; i++) {
      this.#after(i * tickLength, () => leader.act((node) => node.propose([noBytes, noBytes])));
    }
    this.#letCampaign(this.#votersWithout(leader), this.#timeout / 2, 2 * this.#timeout);
    this.#after(4 * this.#timeout, () => {
      this.#network.loses = undefined;
    });
  }

  /** The leader's process is stopped for longer than its lease lasts, and hears nothing of the next term. */
  #leaderStandsStill(leader: SimMember): void {
    const { config, random } = this.#world;
    const { term = 0 } = leader.node ?? {};
    this.#setClocks(leader);
    this.#network.loses = (message) => message.to === leader.id && message.term > term;
    leader.pause(this.#timeout + random.below(this.#timeout / 2), config.clocksJump);
    this.#letCampaign(this.#votersWithout(leader), 0, 2 * this.#timeout);
  }

  /**
   * The leader is cut off, but answers to its heartbeats still come in, late: they must not start a lease that late,
   * nor confirm reads that were asked for meanwhile.
   */
  #answersComeLate(leader: SimMember): void {
    const delay = 2 * tickLength + this.#world.random.below(2 * this.#timeout);
    this.#setClocks(leader);
    let isCut = false;
    const isAnswer = ({ type, to, term }: Message): boolean =>
      type === 'MsgHeartbeatResp' && to === leader.id && term === leader.node?.term;
    this.#network.delays = (message) => (isAnswer(message) ? delay : 0);
    this.#network.loses = (message) =>
      isCut && (message.from === leader.id || (message.to === leader.id && !isAnswer(message)));
    const cutAfter = delay + 2 * tickLength;
    this.#after(cutAfter, () => {
      this.#world.read(leader);
    });
    this.#after(cutAfter + tickLength / 2, () => {
      isCut = true;
    });
    this.#letCampaign(this.#votersWithout(leader), cutAfter, 3 * this.#timeout);
  }

  /** The leader hands over, and hears nothing of the new term. */
  #leadershipMovesUnnoticed(leader: SimMember): void {
    const { random } = this.#world;
    const { term = 0 } = leader.node ?? {};
    this.#network.loses = (message) => message.to === leader.id && message.term > term;
    const others = leader.conf.voters.filter((id) => id !== leader.id);
    const heir = random.pick(others);
    this.#after(random.below(5 * tickLength), () =>
      leader.act((node) => node.transferLeader(heir)),
    );
  }

  /**
   * One voter hears nothing of the leader, so that it may campaign; then the leader is cut off, and all the others
   * restart, with no memory of having just heard from it.
   */
  #votersForget(leader: SimMember): void {
    const [heir, ...others] = this.#votersWithout(leader);
    if (heir === undefined) return;
    // With clients at rest, its log stays as good as the others'.
    this.#world.isQuiet = true;
    const lost = new Set<MemberId>();
    this.#network.loses = ({ from, to }) =>
      (from === leader.id && lost.has(to)) || (to === leader.id && lost.has(from));
    this.#after(this.#timeout, () => lost.add(heir.id));
    this.#after(3 * this.#timeout, () => {
      for (const other of others) lost.add(other.id);
      for (const other of others) {
        if (other.isUp) other.crash();
        other.start();
      }
    });
    this.#letCampaign([heir], 3 * this.#timeout, this.#timeout);
  }

  /**
   * The leader changes the membership, in one big step or in several small ones. At one of them the old voters are
   * cut off from the leader and from the new ones; there both sides hold elections.
   */
  #splitAtChange(leader: SimMember): void {
    const { random } = this.#world;
    const { term = 0 } = leader.node ?? {};
    const before = new Set(leader.conf.voters);
    const isBigStep = random.chance(0.5);
    let countdown = 1 + random.below(isBigStep ? 2 : 4);
    const changed = (): void => {
      if (--countdown !== 0) return;
      const delay = random.pick([0, 0, 0, 1 + random.below(2 * tickLength)]);
      this.#after(delay, () => this.#split(leader, before));
    };
    this.#current = { leader, term, changed };
    const isOld = (id: MemberId): boolean => before.has(id) && id !== leader.id;
    // The others store the change, and either don’t hear that it is committed or are slow to apply it.
    const last = leader.storage.lastIndex();
    if (random.chance(0.5)) {
      this.#network.loses = ({ from, to, commit }) =>
        from === leader.id && isOld(to) && commit > last;
    } else {
      for (const [id, member] of this.#members) if (isOld(id)) member.maxApplyDelay = 5_000;
    }
    const ids = [1n, 2n, 3n, 4n, 5n, 6n, 7n];
    const added = ids.filter((id) => !before.has(id)).slice(0, 3);
    const removed = ids.filter((id) => isOld(id) && random.chance(0.5));
    const changes: ConfChangeSingle[] = [
      ...added.map((nodeId) => ({ type: 'addNode' as const, nodeId })),
      ...removed.map((nodeId) => ({ type: 'removeNode' as const, nodeId })),
    ];
    this.#world.welcome(added);
    if (isBigStep) {
      this.#change(leader, changes);
      return;
    }
    // All at once, though only one may be under way at a time; then one by one.
    for (const change of changes) this.#change(leader, [change]);
    for (const [i, change] of changes.entries()) {
      this.#after((i + 1) * 2 * tickLength, () => this.#change(leader, [change]));
    }
  }

  #change(leader: SimMember, changes: readonly ConfChangeSingle[]): void {
    leader.act((node) => node.proposeConfChange({ transition: 'auto', changes, context: noBytes }));
  }

  #split(leader: SimMember, before: ReadonlySet<MemberId>): void {
    const isThere = (id: MemberId): boolean => before.has(id) && id !== leader.id;
    this.#network.loses = ({ from, to }) => isThere(from) !== isThere(to);
    const all = [...this.#members.values()];
    const there = all.filter(({ id }) => isThere(id));
    const here = all.filter(({ id }) => !isThere(id));
    this.#letCampaign(there, 0, 3 * this.#timeout);
    this.#after(3 * this.#timeout, () => {
      if (leader.isUp) leader.crash();
      leader.start();
    });
    // In terms after those of the others, for these are elected first.
    for (const member of here) this.#letCampaign([member], 3 * this.#timeout, 3 * this.#timeout);
  }
}
