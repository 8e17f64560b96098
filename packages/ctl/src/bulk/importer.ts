import { create } from '@bufbuild/protobuf';
import { type RequestOp, RequestOpSchema, type TxnResponse } from '@kvorum/api';
import type { CallOptions, RpcClient } from '@kvorum/client';
import type { ExportedKey } from './export-line.ts';

/** Operations of one transaction: etcd's default for --max-txn-ops. */
const batchKeys = 128;
/** Bytes of keys and values in one transaction; servers take 1.5 MiB in all. */
const batchBytes = 1 << 20;
/** Transactions under way at a time. */
const openBatches = 8;

/** What became of the keys so far. */
export interface ImportCounts {
  created: number;
  changed: number;
  unchanged: number;
}

/** How an import is done. */
export interface ImportOptions {
  /** Writes nothing, only counts what it would do. */
  readonly isDryRun: boolean;
  readonly callOptions: CallOptions;
}

/**
 * Puts keys in transactions, several at a time. What a key has already is read first, and equal ones are left alone: so
 * an import that broke off is started again, and costs no revisions for what is there.
 */
export class Importer {
  readonly counts: ImportCounts = { created: 0, changed: 0, unchanged: 0 };
  readonly #client: RpcClient;
  readonly #options: ImportOptions;
  readonly #open = new Set<Promise<void>>();
  /** Keys of the batches that are gathered or under way, by their bytes. */
  readonly #busyKeys = new Set<string>();
  #batch: ExportedKey[] = [];
  #batchBytes = 0;
  #failure: { readonly error: unknown } | undefined = undefined;

  constructor(client: RpcClient, options: ImportOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Takes one key; resolves when the next may come. Later ones win over earlier ones. Rejects with `ClientError`. */
  async add(entry: ExportedKey): Promise<void> {
    const name = entry.key.toString('latin1');
    const size = entry.key.length + entry.value.length;
    if (this.#busyKeys.has(name)) await this.finish();
    else if (this.#batchBytes + size > batchBytes) await this.#send();
    this.#busyKeys.add(name);
    this.#batch.push(entry);
    this.#batchBytes += size;
    if (this.#batch.length === batchKeys) await this.#send();
  }

  /** Resolves when all that was taken is stored. Rejects with `ClientError`. */
  async finish(): Promise<void> {
    await this.#send();
    await Promise.all(this.#open);
    this.#throwFailure();
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length > 0) {
      const work = this.#store(batch)
        .catch((error: unknown) => {
          this.#failure ??= { error };
        })
        .finally(() => {
          this.#open.delete(work);
          for (const { key } of batch) this.#busyKeys.delete(key.toString('latin1'));
        });
      this.#open.add(work);
    }
    while (this.#open.size >= openBatches) await Promise.race(this.#open);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #store(batch: readonly ExportedKey[]): Promise<void> {
    const seen = { created: 0, changed: 0, unchanged: 0 };
    const answers = (await this.#txn(batch.map(rangeOp))).responses;
    const puts: RequestOp[] = [];
    for (const [at, entry] of batch.entries()) {
      const answer = answers[at]?.response;
      const [before] = answer?.case === 'responseRange' ? answer.value.kvs : [];
      if (before === undefined) seen.created += 1;
      else if (before.lease === entry.lease && entry.value.equals(before.value)) {
        seen.unchanged += 1;
        continue;
      } else seen.changed += 1;
      puts.push(putOp(entry));
    }
    if (puts.length > 0 && !this.#options.isDryRun) await this.#txn(puts);
    this.counts.created += seen.created;
    this.counts.changed += seen.changed;
    this.counts.unchanged += seen.unchanged;
  }

  #txn(success: RequestOp[]): Promise<TxnResponse> {
    return this.#client.kv.txn({ success }, this.#options.callOptions);
  }
}

function rangeOp({ key }: ExportedKey): RequestOp {
  return create(RequestOpSchema, { request: { case: 'requestRange', value: { key } } });
}

function putOp({ key, value, lease }: ExportedKey): RequestOp {
  return create(RequestOpSchema, { request: { case: 'requestPut', value: { key, value, lease } } });
}
