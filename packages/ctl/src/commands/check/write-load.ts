import { ClientError, type RpcClient } from '@kvorum/client';
import type { Host } from '../../host.ts';
import { errorText } from '../../program/error-text.ts';
import type { Latencies } from './latencies.ts';

const keySize = 256;
const valueSize = 1024;

/** What is written, by whom and until when. */
export interface WriteLoad {
  readonly host: Host;
  /** One for each write that is under way at a time. */
  readonly clients: readonly RpcClient[];
  readonly prefix: string;
  /** The time that one write may take. */
  readonly timeoutMs: number;
  /** Writes begin no oftener. Default: as often as there is a client free. */
  readonly writesPerSecond?: number;
  /** Writing ends after this time… */
  readonly durationMs?: number;
  /** …or after so many writes… */
  readonly writeCount?: number;
  /** …or when this fires. */
  readonly signal: AbortSignal;
  readonly latencies: Latencies;
  /** Called after each write. */
  readonly onWritten?: (count: number) => void;
}

/** Puts keys of random names. Resolves when all writes that began have ended; failures are in the latencies. */
export async function writeKeys(load: WriteLoad): Promise<void> {
  const { host, signal, clients } = load;
  const beginMs = host.now();
  const value = Uint8Array.from({ length: valueSize }, () => randomByte(host));
  let begun = 0;
  let ended = 0;
  const isOver = () =>
    signal.aborted ||
    begun >= (load.writeCount ?? Number.POSITIVE_INFINITY) ||
    host.now() - beginMs >= (load.durationMs ?? Number.POSITIVE_INFINITY);
  const { writesPerSecond } = load;
  const pace =
    writesPerSecond === undefined
      ? undefined
      : new Pace(host, writesPerSecond / 1000, clients.length, isOver);

  const write = async (client: RpcClient) => {
    const key = Buffer.from(load.prefix + randomName(host));
    const startMs = host.now();
    try {
      // Interrupted or not, a write that began is awaited: its key could otherwise appear after the clean-up.
      await client.kv.put({ key, value }, { timeoutMs: load.timeoutMs });
      load.latencies.add(host.now() - startMs);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      load.latencies.addFailure(errorText(error));
    }
    ended += 1;
    load.onWritten?.(ended);
  };
  const writeAll = async (client: RpcClient) => {
    while (!isOver()) {
      await pace?.turn();
      if (isOver()) return;
      begun += 1;
      await write(client);
    }
  };
  await Promise.all(clients.map(writeAll));
}

function randomByte(host: Host): number {
  return Math.floor(host.random() * 256);
}

/** Sixteen random digits, filled up. */
function randomName(host: Host): string {
  const digits = Array.from({ length: 8 }, () => randomByte(host).toString(16).padStart(2, '0'));
  return digits.join('').padEnd(keySize, '.');
}

/** Lets a number of writes begin each ms, evenly. What nobody was free to begin in time is lost, but for a few. */
class Pace {
  readonly #host: Host;
  readonly #perMs: number;
  readonly #most: number;
  readonly #isOver: () => boolean;
  readonly #waiting: (() => void)[] = [];
  #ready = 1;
  #lastMs: number;
  #isTicking = false;

  constructor(host: Host, perMs: number, most: number, isOver: () => boolean) {
    this.#host = host;
    this.#perMs = perMs;
    this.#most = most;
    this.#isOver = isOver;
    this.#lastMs = host.now();
  }

  /** Resolves when a write may begin, or all is over. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#letBegin();
    });
  }

  #letBegin(): void {
    const nowMs = this.#host.now();
    this.#ready = Math.min(this.#most, this.#ready + (nowMs - this.#lastMs) * this.#perMs);
    this.#lastMs = nowMs;
    const count = this.#isOver() ? this.#waiting.length : Math.floor(this.#ready);
    for (const resolve of this.#waiting.splice(0, count)) {
      this.#ready -= 1;
      resolve();
    }
    if (this.#waiting.length === 0 || this.#isTicking) return;
    this.#isTicking = true;
    this.#host.after(1, () => {
      this.#isTicking = false;
      this.#letBegin();
    });
  }
}
