import type { MemberId } from '../types.ts';
import { calm, longestDelay, type NetworkWeather, type SimNetwork } from './network.ts';
import { Plots } from './plots.ts';
import { tickLength } from './sim-config.ts';
import type { SimMember, SimWorld } from './sim-member.ts';

const weathers: readonly NetworkWeather[] = [
  calm,
  calm,
  calm,
  { drop: 0, duplicate: 0, minDelay: 10, maxDelay: 10 },
  { drop: 0.05, duplicate: 0.05, minDelay: 1, maxDelay: 50 },
  { drop: 0.3, duplicate: 0.2, minDelay: 1, maxDelay: 300 },
  { drop: 0.02, duplicate: 0.3, minDelay: 50, maxDelay: longestDelay },
];

const fastDisk = 20;

/** No process is paused for longer. */
export const longestPause = 3_000;

/** What goes wrong and when: networks, disks, clocks, processes, and the wishes of operators. */
export class Faults {
  crashes = 0;
  pauses = 0;
  readonly #world: SimWorld;
  readonly #network: SimNetwork;
  readonly #members: ReadonlyMap<MemberId, SimMember>;
  readonly plots: Plots;
  isOver = false;

  constructor(world: SimWorld, network: SimNetwork, members: ReadonlyMap<MemberId, SimMember>) {
    this.#world = world;
    this.#network = network;
    this.#members = members;
    this.plots = new Plots(world, network, members);
  }

  begin(): void {
    this.#planWeather();
    this.#planFault();
  }

  /** From here on, everybody is up, and machines and networks do their best. */
  end(): void {
    this.isOver = true;
    this.plots.end();
    this.#network.weather = calm;
    this.#network.healAll();
    for (const member of this.#members.values()) {
      if (!member.isUp) member.start();
      member.maxSyncDelay = fastDisk;
      member.maxApplyDelay = 0;
      member.tickPeriod = tickLength;
    }
  }

  #planWeather(): void {
    const { config, queue, random } = this.#world;
    queue.after(500 + random.below(config.maxWeatherGap), () => {
      if (this.isOver) return;
      this.changeWeather();
      this.#planWeather();
    });
  }

  /** Draws what the network is like for a while. */
  changeWeather(): void {
    const { random } = this.#world;
    if (this.isOver) return;
    this.#network.weather = random.pick(weathers);
    this.#network.healAll();
    if (random.chance(0.6)) this.#cutLinks();
    if (random.chance(0.4)) this.#slowLinks();
  }

  /** Cuts off one member, in one direction or in both, splits the group in two, or cuts a link here and there. */
  #cutLinks(): void {
    const { random } = this.#world;
    const lone = this.#leaderOrAny().id;
    const ways = random.pick(['in', 'out', 'both', 'both', 'split', 'split', 'some']);
    const isThere = new Map([...this.#members.keys()].map((id) => [id, random.chance(0.5)]));
    this.#forEachLink((from, to) => {
      if (ways === 'some') {
        if (random.chance(0.3)) this.#network.cut(from, to);
        return;
      }
      const isSplit = isThere.get(from) !== isThere.get(to);
      const isIn = to === lone && ways !== 'out';
      const isOut = from === lone && ways !== 'in';
      if (ways === 'split' ? isSplit : isIn || isOut) this.#network.cut(from, to);
    });
  }

  #slowLinks(): void {
    const share = this.#world.random.pick([0.2, 0.5]);
    this.#forEachLink((from, to) => {
      if (this.#world.random.chance(share)) this.#network.slow(from, to);
    });
  }

  #forEachLink(act: (from: MemberId, to: MemberId) => void): void {
    for (const from of this.#members.keys()) {
      for (const to of this.#members.keys()) if (from !== to) act(from, to);
    }
  }

  #leaderOrAny(): SimMember {
    const { random } = this.#world;
    const all = [...this.#members.values()];
    const leaders = all.filter((member) => member.node?.role === 'leader');
    return random.pick(leaders.length > 0 && random.chance(0.5) ? leaders : all);
  }

  #planFault(): void {
    const { config, queue, random } = this.#world;
    queue.after(1 + random.below(config.maxFaultGap), () => {
      if (this.isOver) return;
      const isAimed = random.chance(config.plotShare) && this.plots.maybeStart();
      if (!isAimed) this.#inject(this.#leaderOrAny());
      this.#planFault();
    });
  }

  #inject(member: SimMember): void {
    const { config, random } = this.#world;
    const dice = random.below(100);
    if (dice < 14) this.#crash(member);
    else if (dice < 16) for (const each of this.#members.values()) this.#crash(each);
    else if (dice < 26) this.#pause(member);
    else if (dice < 40) member.driftAway();
    else if (dice < 46 && config.clocksJump) member.jump(1 + random.below(40));
    else if (dice < 56) member.maxSyncDelay = random.pick([1, fastDisk, fastDisk, 300, 3_000]);
    else if (dice < 60) member.maxApplyDelay = random.pick([0, 0, 100, 5_000]);
    else if (dice < 75) member.compact(random.below(5));
    else if (dice < 90) member.checkpoint();
    else if (dice < 96) this.#transfer(member);
    else if (dice < 98) member.act((node) => node.campaign());
    // It may well live.
    else member.act((node) => node.reportGone(node.leader));
  }

  #crash(member: SimMember): void {
    const { queue, random } = this.#world;
    if (!member.isUp) return;
    member.crash();
    this.crashes++;
    queue.after(random.below(random.pick([100, 1_000, 5_000])), () => {
      if (!member.isUp) member.start();
    });
  }

  #pause(member: SimMember): void {
    const { config, random } = this.#world;
    this.pauses++;
    member.pause(random.below(longestPause), config.clocksJump && random.chance(0.5));
  }

  #transfer(member: SimMember): void {
    const to = this.#world.random.pick([...this.#members.keys()]);
    member.act((node) => node.transferLeader(to));
  }
}
