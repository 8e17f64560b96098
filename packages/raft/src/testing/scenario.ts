import { decodeConfChange } from '../confchange/codec.ts';
import { RaftError } from '../errors.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { RawNode } from '../raw-node.ts';
import { mustPersistFirst, type Ready } from '../ready.ts';
import {
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfState,
  type Entry,
  emptyConfState,
  type MemberId,
  type Message,
  noBytes,
  noMember,
} from '../types.ts';
import {
  asText,
  describeConf,
  describeEntry,
  describeId,
  describeMessage,
  describeProgress,
  describeReady,
} from './describe.ts';
import { copyMessage } from './network.ts';

/*
 * A story about a group, as text that runs. Paragraphs are comments ("# …") or commands; the output of each command
 * stands below it, indented:
 *
 *     # A campaign of a single voter.
 *     members 1
 *
 *     campaign 1
 *     ready 1
 *       1: candidate, leader none
 *       …
 *
 * Commands (N is a member, all of them if it is left out; options are name=value):
 *
 *     members 1 2 3 [learners=4] [option…]   founds the group; options of Config, e.g. preVote=false
 *     start N [option…]                      a member with an empty log joins, or a crashed one restarts
 *     crash N                                forgets what was not persisted
 *     begin N T1 T2… [term=T] [commit=I]     a member starts with a log of entries of these terms
 *     tick N [times]        campaign N       propose N text…      read N text      transfer N to=M
 *     change N [transition] addNode=M removeNode=M addLearnerNode=M …
 *     ready N               takes one Ready, persists, sends, applies, advances
 *     take N   persist N   apply N           the same in steps, for asyncStorageWrites=true, oldest Ready first
 *     deliver [from=N] [to=N] [drop=true]    what is on its way now, without the answers to it
 *     settle                ready and deliver, quietly, until nothing moves
 *     log N   status N   progress N   snapshot N   compact N index
 *     unreachable N of=M    gone N of=M      reported N finish|failure of=M
 */

interface ScenarioMember {
  storage: MemoryStorage;
  node: RawNode | undefined;
  conf: ConfState;
  applied: number;
  isAsync: boolean;
  /** Readys that were taken and not persisted, and those that were persisted and not applied. */
  taken: Ready[];
  written: Ready[];
}

type Options = ReadonlyMap<string, string>;

/** Runs a scenario and returns it with the outputs that its commands really had. */
export function runScenario(text: string): string {
  const scenario = new Scenario();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    if (line !== '' && !line.startsWith('#')) {
      for (const output of scenario.run(line)) lines.push(`  ${output}`);
    }
  }
  return lines.join('\n');
}

class Scenario {
  readonly #members = new Map<MemberId, ScenarioMember>();
  #inFlight: Message[] = [];
  #groupOptions: Options = new Map();
  #founders: ConfState = emptyConfState;

  run(line: string): string[] {
    const [command = '', ...words] = line.split(' ');
    const options = new Map<string, string>();
    const args: string[] = [];
    for (const word of words) {
      const at = word.indexOf('=');
      if (at < 0) args.push(word);
      else options.set(word.slice(0, at), word.slice(at + 1));
    }
    if (command === 'members') return this.#found(args, options);
    if (command === 'settle') return this.#settle();
    if (command === 'deliver') return this.#deliver(options);
    if (command === 'begin') return this.#begin(BigInt(args[0] ?? 0), args.slice(1), options);
    if (command === 'start') return this.#start(BigInt(args[0] ?? 0), options);
    const ids = args[0] === undefined ? [...this.#members.keys()] : [BigInt(args[0])];
    return ids.flatMap((id) => {
      const output = this.#runOn(id, command, args.slice(1), options);
      return ids.length === 1 ? output : output.map((line) => `${id}: ${line}`);
    });
  }

  #found(args: string[], options: Options): string[] {
    const learners = options.get('learners')?.split(',').map(BigInt) ?? [];
    this.#groupOptions = new Map([...options].filter(([name]) => name !== 'learners'));
    const voters = args.map(BigInt);
    this.#founders = { ...emptyConfState, voters, learners };
    return [...voters, ...learners].flatMap((id) => this.#start(id, new Map()));
  }

  #begin(id: MemberId, terms: string[], options: Options): string[] {
    const storage = new MemoryStorage(this.#founders);
    const data = noBytes;
    storage.append(terms.map((t, i) => ({ term: Number(t), index: i + 1, type: 'normal', data })));
    const term = Number(options.get('term') ?? terms.at(-1) ?? 0);
    storage.setHardState({ term, vote: noMember, commit: Number(options.get('commit') ?? 0) });
    this.#run(id, storage, new Map());
    return [];
  }

  #start(id: MemberId, options: Options): string[] {
    this.#run(id, this.#members.get(id)?.storage ?? new MemoryStorage(this.#founders), options);
    return [];
  }

  #run(id: MemberId, storage: MemoryStorage, options: Options): void {
    const { index, confState } = storage.snapshot().metadata;
    const parsed = Object.fromEntries([...this.#groupOptions, ...options].map(parseOption));
    const node = new RawNode({
      id,
      storage,
      applied: index,
      electionTicks: 10,
      heartbeatTicks: 1,
      random: () => 0,
      verify: true,
      ...parsed,
    });
    const isAsync = parsed.asyncStorageWrites === true;
    const begun = { conf: confState, applied: index, isAsync, taken: [], written: [] };
    this.#members.set(id, { storage, node, ...begun });
  }

  #runOn(id: MemberId, command: string, args: string[], options: Options): string[] {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    if (command === 'crash') {
      member.node = undefined;
      return [];
    }
    const { node } = member;
    if (node === undefined) return ['(down)'];
    try {
      return this.#act(member, node, command, args, options);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      return [`${error.code}: ${error.message}`];
    }
  }

  #act(
    member: ScenarioMember,
    node: RawNode,
    command: string,
    args: string[],
    options: Options,
  ): string[] {
    const to = BigInt(options.get('to') ?? options.get('of') ?? 0);
    switch (command) {
      case 'tick':
        for (let i = 0; i < Number(args[0] ?? 1); i++) node.tick();
        return [];
      case 'campaign':
        node.campaign();
        return [];
      case 'propose':
        node.propose(args.map(asBytes));
        return [];
      case 'read':
        node.readIndex(asBytes(args.join(' ')));
        return [];
      case 'transfer':
        node.transferLeader(to);
        return [];
      case 'unreachable':
        node.reportUnreachable(to);
        return [];
      case 'gone':
        node.reportGone(to);
        return [];
      case 'change':
        node.proposeConfChange({
          transition: (args[0] ?? 'auto') as ConfChangeTransition,
          changes: [...options].flatMap(parseChange),
          context: noBytes,
        });
        return [];
      case 'reported':
        node.reportSnapshot(to, args[0] === 'finish' ? 'finish' : 'failure');
        return [];
      case 'take':
        return node.hasReady() ? this.#take(member, node) : ['(nothing)'];
      case 'persist':
        return this.#persist(member, node);
      case 'apply':
        return this.#apply(member, node);
      case 'ready':
        return node.hasReady() ? this.#handleReady(member, node) : ['(nothing)'];
      case 'log':
        return describeLog(member.storage);
      case 'status':
        return [describeStatus(node)];
      case 'progress':
        return describeProgress(node.status());
      case 'snapshot':
        member.storage.createSnapshot(member.applied, member.conf, asBytes('state'));
        return [];
      case 'compact':
        member.storage.compact(Number(args[0]));
        return [];
      default:
        throw new Error(`unknown command "${command}"`);
    }
  }

  #handleReady(member: ScenarioMember, node: RawNode): string[] {
    const lines = this.#take(member, node);
    this.#write(member);
    this.#applyOldest(member, node, lines);
    return lines;
  }

  /** Messages that need not wait are sent at once, if the writes are asynchronous; else all in their order. */
  #take(member: ScenarioMember, node: RawNode): string[] {
    const ready = node.ready();
    member.taken.push(ready);
    const early = ready.messages.filter((m) => !member.isAsync || !mustPersistFirst(m));
    this.#inFlight.push(...early.map(copyMessage));
    return describeReady(ready);
  }

  #write(member: ScenarioMember): void {
    const ready = member.taken.shift() as Ready;
    if (ready.snapshot !== undefined) member.storage.applySnapshot(ready.snapshot);
    member.storage.append(ready.entries);
    if (ready.hardState !== undefined) member.storage.setHardState(ready.hardState);
    member.written.push(ready);
    if (!member.isAsync) return;
    this.#inFlight.push(...ready.messages.filter(mustPersistFirst).map(copyMessage));
    member.node?.persisted(ready);
  }

  #applyOldest(member: ScenarioMember, node: RawNode, lines: string[]): void {
    const ready = member.written.shift() as Ready;
    if (ready.snapshot !== undefined) {
      member.conf = ready.snapshot.metadata.confState;
      member.applied = ready.snapshot.metadata.index;
    }
    for (const entry of ready.committedEntries) {
      member.applied = entry.index;
      if (entry.type === 'normal') continue;
      member.conf = node.applyConfChange(decodeConfChange(entry));
      lines.push(`now ${describeConf(member.conf)}`);
    }
    if (member.isAsync) node.applied(ready);
    else node.advance();
  }

  #persist(member: ScenarioMember, node: RawNode): string[] {
    if (member.taken.length === 0) return ['(nothing)'];
    const waiting = member.taken[0]?.messages.filter(mustPersistFirst) ?? [];
    this.#write(member);
    const now = `${node.role}, committed up to ${node.committed}`;
    return [...waiting.map((m) => `send ${describeMessage(m)}`), now];
  }

  #apply(member: ScenarioMember, node: RawNode): string[] {
    if (member.written.length === 0) return ['(nothing)'];
    const lines: string[] = [];
    this.#applyOldest(member, node, lines);
    return [...lines, `applied up to ${node.status().applied}`];
  }

  /** What matches is delivered or dropped; the rest stays on its way. */
  #deliver(options: Options): string[] {
    const from = options.get('from');
    const to = options.get('to');
    const matches = (message: Message): boolean =>
      (from === undefined || message.from === BigInt(from)) &&
      (to === undefined || message.to === BigInt(to));
    const chosen = this.#inFlight.filter(matches);
    this.#inFlight = this.#inFlight.filter((message) => !matches(message));
    if (chosen.length === 0) return ['(nothing)'];
    return chosen.map((message) => {
      const text = describeMessage(message);
      const node = this.#members.get(message.to)?.node;
      if (options.get('drop') === 'true' || node === undefined) {
        if (message.type === 'MsgSnap') {
          this.#members.get(message.from)?.node?.reportSnapshot(message.to, 'failure');
        }
        return `lost ${text}`;
      }
      try {
        node.step(message);
        return text;
      } catch (error) {
        if (!(error instanceof RaftError)) throw error;
        return `${text} (${error.code})`;
      }
    });
  }

  #settle(): string[] {
    for (let round = 0; round < 1_000; round++) {
      const ready = [...this.#members.values()].flatMap((member) => {
        const { node } = member;
        return node?.hasReady() ? [{ member, node }] : [];
      });
      if (ready.length === 0 && this.#inFlight.length === 0) return [];
      for (const { member, node } of ready) this.#handleReady(member, node);
      this.#deliver(new Map());
    }
    throw new Error('the group does not settle');
  }
}

function describeLog(storage: MemoryStorage): string[] {
  const first = storage.firstIndex();
  const last = storage.lastIndex();
  const lines = first > 1 ? [`compacted up to ${storage.term(first - 1)}/${first - 1}`] : [];
  const entries: Entry[] = last < first ? [] : storage.entries(first, last + 1, 1_000_000);
  return [...lines, ...entries.map(describeEntry)];
}

function describeStatus(node: RawNode): string {
  const { softState, hardState, applied, conf } = node.status();
  const { term, vote, commit } = hardState;
  const role = `${softState.role} of ${describeId(softState.leader)}`;
  const state = `term=${term} vote=${describeId(vote)} commit=${commit} applied=${applied}`;
  return `${role} ${state} ${describeConf(conf)}`;
}

function parseOption([name, value]: [string, string]): [string, unknown] {
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, Number.isNaN(Number(value)) ? value : Number(value)];
}

function parseChange([type, ids]: [string, string]): ConfChangeSingle[] {
  return ids.split(',').map((id) => ({ type: type as ConfChangeType, nodeId: BigInt(id) }));
}

function asBytes(text: string): Uint8Array {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  return asText(bytes) === text ? bytes : noBytes;
}
