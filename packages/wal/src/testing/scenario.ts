import { WalError } from '../errors.ts';
import type { WalRecord } from '../record.ts';
import { readWal, Wal } from '../wal.ts';
import { entryOf, payloadOf, snapshotOf, stateOf } from './records.ts';
import { SimDisk } from './sim-disk.ts';

const DIR = 'wal';
const text = new TextDecoder();
const bytes = new TextEncoder();

type Arguments = ReadonlyMap<string, string>;

/**
 * Runs a story about a log and returns it with the output of each command filled in. A story is comments (`#`),
 * and commands with their output behind a line of dashes:
 *
 *     append entries=1-3 size=100
 *     ----
 *     segment 0 at 472, 408 bytes unsynced
 */
export async function runScenario(story: string): Promise<string> {
  const world = new World();
  const out: string[] = [];
  let inOutput = false;
  for (const line of story.split('\n')) {
    if (line === '----') {
      inOutput = true;
      continue;
    }
    if (inOutput && line !== '') continue;
    inOutput = false;
    out.push(line);
    if (line === '' || line.startsWith('#')) continue;
    out.push('----', await world.run(line));
  }
  return out.join('\n');
}

/** A disk, the log on it, and the commands. */
class World {
  #disk = new SimDisk();
  #wal: Wal | null = null;
  #segmentBytes = 4096;

  /** Runs a command; errors are output, too. */
  async run(line: string): Promise<string> {
    const [verb = '', ...words] = line.split(' ');
    const args = new Map(words.map((word) => word.split('=', 2) as [string, string]));
    try {
      return await this.#dispatch(verb, args);
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
      return `error ${error.code}: ${error.message}`;
    }
  }

  async #dispatch(verb: string, args: Arguments): Promise<string> {
    switch (verb) {
      case 'create':
        return this.#create(args);
      case 'open':
        return this.#open(args);
      case 'append':
        this.#log.append(recordsOf(args));
        return this.#position();
      case 'sync':
        if (args.has('now')) this.#log.syncNow();
        else await this.#log.sync();
        return this.#position();
      case 'cut':
        this.#log.cut();
        return this.#position();
      case 'prepare':
        return this.#prepare(args);
      case 'release':
        return `${this.#log.release(number(args, 'index'), number(args, 'keep', 1))} segments deleted`;
      case 'close':
        this.#log.close();
        return 'closed';
      case 'crash':
        this.#disk = this.#disk.crashClone(number(args, 'seed', 1), {
          unsyncedKept: number(args, 'kept'),
        });
        this.#wal = null;
        return this.#list();
      case 'ls':
        return this.#list();
      case 'dump':
        return this.#dump(args);
      case 'damage':
        return this.#damage(args);
      case 'delete':
        this.#disk.remove(`${DIR}/${this.#nameOf(number(args, 'segment'))}`);
        return this.#list();
      case 'fail':
        this.#disk.failNext(args.get('next') === 'write' ? 'write' : 'sync');
        return 'ok';
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  get #log(): Wal {
    if (this.#wal === null) throw new Error('no log is open');
    return this.#wal;
  }

  #create(args: Arguments): string {
    this.#segmentBytes = number(args, 'segment', 4096);
    const metadata = bytes.encode(args.get('metadata') ?? 'member-1');
    this.#wal = Wal.create({
      disk: this.#disk,
      dir: DIR,
      metadata,
      segmentBytes: this.#segmentBytes,
    });
    return this.#position();
  }

  #open(args: Arguments): string {
    const snapshotIndex = number(args, 'snapshot', 0);
    const options = { disk: this.#disk, dir: DIR, segmentBytes: this.#segmentBytes, snapshotIndex };
    const opened = Wal.open(options);
    this.#wal = opened.wal;
    const torn =
      opened.torn === null ? 'not torn' : `torn at ${opened.torn.offset}: ${opened.torn.reason}`;
    const state = opened.state === null ? 'no state' : `state ${text.decode(opened.state)}`;
    return `${summary(opened.records)}; ${state}; last index ${opened.lastIndex}; ${torn}\n${this.#position()}`;
  }

  async #prepare(args: Arguments): Promise<string> {
    const ready = this.#log.prepareNext(number(args, 'bytes'));
    // The sync that was begun ends in microtasks.
    await Promise.resolve().then(() => Promise.resolve());
    return ready ? 'ready' : 'not ready yet';
  }

  #dump(args: Arguments): string {
    const snapshotIndex = number(args, 'snapshot', 0);
    const { metadata, records } = readWal({ disk: this.#disk, dir: DIR, snapshotIndex });
    return [`metadata ${text.decode(metadata)}`, ...records.map(describe)].join('\n');
  }

  /** Writes into a segment behind the log's back: `byte=` at `offset=`, or zeros up to `to=`. */
  #damage(args: Arguments): string {
    const file = this.#disk.open(`${DIR}/${this.#nameOf(number(args, 'segment'))}`, {
      write: true,
    });
    const offset = number(args, 'offset');
    const size = number(args, 'to', offset + 1) - offset;
    const before = new Uint8Array(size);
    file.read(before, offset);
    file.write(new Uint8Array(size).fill(number(args, 'byte', 0)), offset);
    file.syncNow();
    file.close();
    return size === 1 ? `was ${before[0]}` : 'ok';
  }

  #position(): string {
    const wal = this.#log;
    const segment = wal.segments.at(-1);
    return `segment ${segment?.sequence} at ${wal.tailOffset}, ${wal.unsyncedBytes} bytes unsynced`;
  }

  #list(): string {
    if (!this.#disk.exists(DIR)) return 'nothing';
    const names = this.#disk.list(DIR);
    if (names.length === 0) return 'empty';
    return names
      .map((name) => `${name} ${this.#disk.contentOf(`${DIR}/${name}`).length}`)
      .join('\n');
  }

  #nameOf(sequence: number): string {
    const prefix = sequence.toString(16).padStart(16, '0');
    const name = this.#disk.list(DIR).find((candidate) => candidate.startsWith(prefix));
    if (name === undefined) throw new Error(`no segment ${sequence}`);
    return name;
  }
}

/** `entries=3-5 size=100`, `state=TEXT`, `snapshot=INDEX`, in this order. */
function recordsOf(args: Arguments): WalRecord[] {
  const records: WalRecord[] = [];
  const entries = args.get('entries');
  if (entries !== undefined) {
    const [first = 0, last = first] = entries.split('-').map(Number);
    for (let index = first; index <= last; index++) {
      records.push(entryOf(index, new Uint8Array(number(args, 'size', 16)).fill(0x61)));
    }
  }
  const state = args.get('state');
  if (state !== undefined) records.push(stateOf(bytes.encode(state)));
  if (args.has('snapshot')) records.push(snapshotOf(number(args, 'snapshot')));
  return records;
}

function number(args: Arguments, name: string, absent?: number): number {
  const value = args.get(name);
  if (value === undefined && absent !== undefined) return absent;
  const result = Number(value);
  if (value === undefined || Number.isNaN(result)) throw new Error(`${name}= wants a number`);
  return result;
}

function describe(record: WalRecord): string {
  if (record.type === 'state') return `state ${text.decode(record.data)}`;
  if (record.type === 'snapshot') return `snapshot ${record.index}`;
  return `entry ${record.index}, ${payloadOf(record.data).length} bytes`;
}

/** Entries as a list of runs: `entries 1-4 3-7`. */
function summary(records: readonly WalRecord[]): string {
  const runs: [number, number][] = [];
  for (const record of records) {
    if (record.type !== 'entry') continue;
    const run = runs.at(-1);
    if (run !== undefined && record.index === run[1] + 1) run[1] = record.index;
    else runs.push([record.index, record.index]);
  }
  if (runs.length === 0) return 'no entries';
  return `entries ${runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(' ')}`;
}
