import { endpointsLine, flagsOf, HOST, type Place } from './layout.ts';
import { LocalMember, type SpawnMember } from './local-member.ts';
import type { PeerProxies } from './peer-proxies.ts';
import type { Printer } from './printer.ts';
import { type AskStatus, type MemberStatus, statusTable } from './status.ts';

/** What a dev-cluster reaches the world by. */
export interface DevClusterParts {
  readonly places: readonly Place[];
  readonly memberFlags: readonly string[];
  readonly proxies: PeerProxies;
  readonly printer: Printer;
  readonly spawn: SpawnMember;
  readonly askStatus: AskStatus;
  /** Runs `callback` once after `delayMs` unless the returned function is called first. */
  after(delayMs: number, callback: () => void): () => void;
  /** Whether somebody may press keys: without, a cluster whose members have all ended is over. */
  readonly hasKeys: boolean;
  /** Whether the proxies can tell who dials. */
  readonly canIsolate: boolean;
}

/** What the keys do. */
function keysText(members: number): string {
  return `keys: ${members === 1 ? '1 chooses the' : `1-${members} choose a`} member, then
  k  kill it (SIGKILL)        r  start it again
  p  pause it, let it go on   i  isolate it from the others, heal
l  who leads   q, Ctrl-C  stop all   ?  these lines`;
}

/** A member that has not ended in good order by then is killed. */
const STOP_TIMEOUT_MS = 10_000;

const CTRL_C = '\u0003';

/** Members on this machine, and what can be done to them by keys. */
export class DevCluster {
  /** Resolves with the exit code when all members have ended for good: 0 if they were given the time to. */
  readonly finished: Promise<number>;
  readonly #parts: DevClusterParts;
  readonly #members: readonly LocalMember[];
  readonly #finish: (code: number) => void;
  /** Serve now or did once: the endpoints are told when all have. */
  readonly #wereReady = new Set<string>();
  /** By member id. A member that leads may be gone when others are asked who does. */
  readonly #names = new Map<string, string>();
  #chosen = 0;
  #isStopping = false;
  /** All at once: the end is not one in good order. */
  #wereKilled = false;

  constructor(parts: DevClusterParts) {
    this.#parts = parts;
    const finished = Promise.withResolvers<number>();
    this.finished = finished.promise;
    this.#finish = finished.resolve;
    this.#members = parts.places.map((place, index) => this.#memberAt(place, index));
  }

  start(): void {
    this.#say(`starting ${this.#members.map(({ name }) => name).join(', ')}`);
    for (const member of this.#members) member.start();
  }

  /** Ends all members in good order; called again, at once. */
  stop(): void {
    if (this.#isStopping) {
      this.killAll();
      return;
    }
    this.#isStopping = true;
    this.#say('stopping all members');
    for (const member of this.#members) member.stop();
    const stopTimer = this.#parts.after(STOP_TIMEOUT_MS, () => this.killAll());
    void Promise.all(this.#members.map((member) => member.ended)).then(async () => {
      stopTimer();
      await this.#parts.proxies.close();
      this.#finish(this.#wereKilled ? 1 : 0);
    });
  }

  /** Ends all members without warning. */
  killAll(): void {
    this.#wereKilled = true;
    for (const member of this.#members) member.kill();
  }

  /** Does what a key stands for. Resolves when it is done and said. */
  async press(key: string): Promise<void> {
    if (key === 'q' || key === CTRL_C) {
      this.stop();
    } else if (this.#isStopping) {
      return;
    } else if (/^[1-9]$/.test(key)) {
      this.#choose(Number(key) - 1);
    } else if (key === 'l') {
      await this.#showStatus();
    } else if (key === '?' || key === 'h') {
      this.#say(keysText(this.#members.length));
    } else {
      const member = this.#members[this.#chosen];
      if (member !== undefined) await this.#act(key, member);
    }
  }

  #choose(index: number): void {
    const member = this.#members[index];
    if (member === undefined) {
      this.#say(`there is no member ${index + 1}`);
      return;
    }
    this.#chosen = index;
    this.#say(`${member.name} is chosen (${this.#stateOf(member)})`);
  }

  async #act(key: string, member: LocalMember): Promise<void> {
    if (key === 'k') {
      if (this.#mustRun(member)) member.kill();
    } else if (key === 'r') {
      await this.#restart(member);
    } else if (key === 'p') {
      this.#pauseOrResume(member);
    } else if (key === 'i') {
      this.#isolateOrHeal(member.name);
    }
  }

  /** Starts it; one that runs is stopped in good order first. */
  async #restart(member: LocalMember): Promise<void> {
    if (member.state !== 'stopped') {
      member.stop();
      const stopTimer = this.#parts.after(STOP_TIMEOUT_MS, () => member.kill());
      await member.ended;
      stopTimer();
    }
    if (this.#isStopping) return;
    this.#say(`starting ${member.name}`);
    member.start();
  }

  #pauseOrResume(member: LocalMember): void {
    if (member.state === 'paused') {
      member.resume();
      this.#say(`${member.name} goes on`);
    } else if (this.#mustRun(member)) {
      member.pause();
      this.#say(`${member.name} is paused`);
    }
  }

  #isolateOrHeal(name: string): void {
    const { proxies, canIsolate } = this.#parts;
    if (!canIsolate) {
      this.#say('members can be isolated only where the loopback interface has 127.0.0.2 and on');
    } else if (proxies.isIsolated(name)) {
      proxies.heal(name);
      this.#say(`${name} is healed`);
    } else {
      proxies.isolate(name);
      this.#say(`${name} is isolated from the others`);
    }
  }

  async #showStatus(): Promise<void> {
    const rows = this.#members.map(async (member, index) => {
      const port = this.#parts.places[index]?.clientPort ?? 0;
      const status = member.state === 'running' ? await this.#ask(member.name, port) : undefined;
      const endpoint = `${HOST}:${port}`;
      return { name: member.name, endpoint, state: this.#stateOf(member), status };
    });
    this.#say(statusTable(await Promise.all(rows), this.#names));
  }

  async #ask(name: string, port: number): Promise<MemberStatus | undefined> {
    const status = await this.#parts.askStatus(port);
    if (status !== undefined) this.#names.set(status.memberId, name);
    return status;
  }

  #mustRun(member: LocalMember): boolean {
    if (member.state === 'stopped') this.#say(`${member.name} does not run; r starts it`);
    return member.state !== 'stopped';
  }

  #stateOf({ state, name }: LocalMember): string {
    return this.#parts.proxies.isIsolated(name) ? `${state}, isolated` : state;
  }

  #memberAt(place: Place, index: number): LocalMember {
    const { places, memberFlags, printer, spawn, canIsolate } = this.#parts;
    const flags = [...flagsOf(place, places, canIsolate), ...memberFlags];
    const output = (onLine: (line: string) => void) => printer.source(place.name, index, onLine);
    return new LocalMember(place.name, flags, spawn, output, {
      onReady: () => this.#onReady(place),
      onEnd: (status, wasAsked) => this.#onEnd(place.name, status, wasAsked),
    });
  }

  #onReady({ name, clientPort }: Place): void {
    void this.#ask(name, clientPort);
    const known = this.#wereReady.size;
    this.#wereReady.add(name);
    const { length } = this.#members;
    if (known === length || this.#wereReady.size < length) return;
    this.#say(`all ${length} members serve clients; for etcdctl:`);
    this.#say(endpointsLine(this.#parts.places));
    if (this.#parts.hasKeys) this.#say(keysText(length));
  }

  #onEnd(name: string, status: string, wasAsked: boolean): void {
    this.#say(wasAsked ? `${name} has ended: ${status}` : `${name} has ended by itself: ${status}`);
    const isOver = this.#members.every((member) => member.state === 'stopped');
    if (!isOver || this.#isStopping || this.#parts.hasKeys) return;
    this.#say('no member is left');
    void this.#parts.proxies.close().then(() => this.#finish(1));
  }

  #say(text: string): void {
    this.#parts.printer.say(text);
  }
}
