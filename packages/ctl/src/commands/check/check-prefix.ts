import { ClientError, prefixEnd, type RpcClient } from '@kvorum/client';
import { ExitError, exitCodes } from '../../exit-error.ts';
import type { FlagValues } from '../../flags/flag.ts';
import { errorText } from '../../program/error-text.ts';
import type { Invocation } from '../../program/invocation.ts';
import type { checkFlags } from './workload.ts';

/** For calls that take as long as there is data: deleting, compacting, defragmenting. */
const longMs = 60_000;

/** The keys under the prefix of a check: none before it, and none after it. */
export class CheckPrefix {
  readonly #invocation: Invocation;
  readonly #client: RpcClient;
  readonly #range: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

  constructor(invocation: Invocation, client: RpcClient, prefix: string) {
    this.#invocation = invocation;
    this.#client = client;
    const key = Buffer.from(prefix);
    this.#range = { key, rangeEnd: prefixEnd(key) };
  }

  /** Rejects with `ExitError`, with this advice, where there are keys already; they would be deleted with the others. */
  async mustBeEmpty(advice: string): Promise<void> {
    const request = { ...this.#range, limit: 1n, keysOnly: true };
    const { kvs } = await this.#client.kv.range(request, this.#invocation.callOptions());
    if (kvs.length === 0) return;
    const prefix = Buffer.from(this.#range.key).toString();
    const text = `prefix "${prefix}" has keys. Delete with ${advice} first`;
    throw new ExitError(exitCodes.invalidInput, text);
  }

  /** Deletes the keys and, with --auto-compact, their history. Rejects with `ExitError`. */
  async cleanUp(flags: Pick<FlagValues<ReturnType<typeof checkFlags>>, 'auto-compact'>) {
    const options = longOptions(this.#invocation);
    let revision: bigint;
    try {
      const { header } = await this.#client.kv.deleteRange(this.#range, options);
      revision = header?.revision ?? 0n;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const text = `FAIL: Cleanup failed during key deletion: ERROR(${errorText(error)})`;
      this.#invocation.writeLine(text);
      throw new ExitError(exitCodes.error, '');
    }
    if (!flags['auto-compact']) return;
    this.#invocation.writeLine(`Compacting with revision ${revision}`);
    await this.#client.kv.compact({ revision, physical: true }, options);
    this.#invocation.writeLine(`Compacted with revision ${revision}`);
  }
}

/** Defragments members, one after the other. Rejects with `ClientError`. */
export async function defragment(invocation: Invocation, endpoints: readonly string[]) {
  for (const endpoint of endpoints) {
    invocation.writeLine(`Defragmenting "${endpoint}"`);
    const client = await invocation.clientOf([endpoint]);
    await client.maintenance.defragment({}, longOptions(invocation));
    invocation.writeLine(`Defragmented "${endpoint}"`);
  }
}

/** Writers of a check: as many clients, each with connections of its own. */
export async function clientsOf(
  invocation: Invocation,
  endpoints: readonly string[],
  count: number,
): Promise<readonly RpcClient[]> {
  return await Promise.all(Array.from({ length: count }, () => invocation.clientOf(endpoints)));
}

export function longOptions(invocation: Invocation) {
  return { timeoutMs: Math.max(longMs, invocation.globals()['command-timeout']) };
}
