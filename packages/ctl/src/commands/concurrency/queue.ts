import {
  Event_EventType as EventType,
  type KeyValue,
  Compare_CompareResult as Result,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  Compare_CompareTarget as Target,
} from '@kvorum/api';
import { prefixEnd, type RpcClient } from '@kvorum/client';
import { ExitError, exitCodes } from '../../exit-error.ts';
import type { Host } from '../../host.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { ResumingWatch } from '../watch/resuming-watch.ts';

/**
 * Who holds a lock or leads an election is decided by a queue: each candidate has a key under the name, attached to
 * its lease, and the one that was created first has it. The protocol is that of etcd's client and server.
 */
export class Queue {
  readonly key: Uint8Array;
  readonly prefix: Uint8Array;
  readonly #client: RpcClient;
  readonly #host: Host;
  readonly #leaseId: bigint;

  constructor(client: RpcClient, host: Host, name: string, leaseId: bigint) {
    this.#client = client;
    this.#host = host;
    this.#leaseId = leaseId;
    this.prefix = bytesOfText(`${name}/`);
    this.key = bytesOfText(`${name}/${leaseId.toString(16)}`);
  }

  /**
   * Joins the queue and resolves with our key when all before it are gone, and the store's revision then. Rejects with
   * `ExitError` when the signal fires, or our key goes away with its lease.
   */
  async turn(
    value: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly keyValue: KeyValue; readonly revision: bigint }> {
    const createRevision = await this.#join(value);
    while (await this.#waitForOneBefore(createRevision, signal));
    const { kvs, header } = await this.#client.kv.range({ key: this.key });
    const [keyValue] = kvs;
    if (keyValue === undefined) throw new ExitError(exitCodes.error, 'mutex: session is expired');
    return { keyValue, revision: header?.revision ?? 0n };
  }

  async leave(): Promise<void> {
    await this.#client.kv.deleteRange({ key: this.key });
  }

  async #join(value: Uint8Array): Promise<bigint> {
    const { key } = this;
    const isNew = {
      key,
      result: Result.EQUAL,
      target: Target.CREATE,
      targetUnion: { case: 'createRevision', value: 0n },
    } as const;
    const put = { key, value, lease: this.#leaseId };
    const answer = await this.#client.kv.txn({
      compare: [isNew],
      success: [{ request: { case: 'requestPut', value: put } }],
      failure: [{ request: { case: 'requestRange', value: { key } } }],
    });
    const [first] = answer.responses;
    if (first?.response.case === 'responseRange') {
      return first.response.value.kvs[0]?.createRevision ?? 0n;
    }
    return answer.header?.revision ?? 0n;
  }

  /** Waits until the key just before ours is gone; false when there is none. */
  async #waitForOneBefore(createRevision: bigint, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) throw new ExitError(exitCodes.error, 'context canceled');
    const { kvs, header } = await this.#client.kv.range({
      key: this.prefix,
      rangeEnd: prefixEnd(this.prefix),
      maxCreateRevision: createRevision - 1n,
      sortOrder: SortOrder.DESCEND,
      sortTarget: SortTarget.CREATE,
      limit: 1n,
    });
    const [before] = kvs;
    if (before === undefined) return false;
    const startRevision = (header?.revision ?? 0n) + 1n;
    const watch = new ResumingWatch(this.#client, this.#host, { key: before.key, startRevision });
    for await (const { events } of watch.responses(signal)) {
      if (events.some((event) => event.type === EventType.DELETE)) break;
    }
    return true;
  }
}
