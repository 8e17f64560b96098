import { MvccError, type Store } from '@kvorum/mvcc';
import type { Clock } from '../../clock.ts';
import type { HttpReply, HttpRequest } from '../../http/http-message.ts';
import type { HttpStream } from '../../http/http-stream.ts';
import type { NodeLoop } from '../../node-loop.ts';
import type { Proposer } from '../../proposer.ts';
import type { V2Access } from '../auth/v2-access.ts';
import { readNode } from '../read-node.ts';
import { V2Error } from '../v2-error.ts';
import type { V2Event } from '../v2-event.ts';
import type { V2Store } from '../v2-store.ts';
import { wallNs } from '../wall-time.ts';
import { readForm } from './form.ts';
import { type KeyRead, type KeyRequest, type KeyWrite, parseKeyRequest } from './key-request.ts';
import { watchKeys } from './key-watch.ts';
import { jsonLine, keyErrorReply, methodNotAllowed, type V2Headers } from './replies.ts';

export interface KeysOptions {
  readonly v2: V2Store;
  /** Another one after a state was received. */
  readonly storage: { readonly store: Store };
  readonly loop: NodeLoop;
  readonly proposer: Proposer;
  readonly clock: Clock;
  readonly access: V2Access;
  readonly raftStatus: () => { readonly committedIndex: number; readonly term: number };
  /** X-Etcd-Cluster-Id. */
  readonly clusterHeaders: V2Headers;
}

const METHODS = ['HEAD', 'GET', 'PUT', 'POST', 'DELETE'];

/** /v2/keys. */
export class KeysPages {
  readonly #options: KeysOptions;

  constructor(options: KeysOptions) {
    this.#options = options;
  }

  /** `path` is what follows /v2/keys, as a text of bytes. Never rejects. */
  async answer(request: HttpRequest, path: string, query: string): Promise<HttpReply | HttpStream> {
    const { clock, clusterHeaders, access } = this.#options;
    const { method } = request;
    if (!METHODS.includes(method)) return methodNotAllowed(METHODS);
    try {
      const form = await readForm(request, query);
      const parsed = parseKeyRequest(method, path, form, clock);
      const key = Buffer.from(path, 'latin1').toString();
      if (!(await access.mayUseKey(request, key, isRecursive(parsed)))) {
        throw new V2Error(110, 'Insufficient credentials');
      }
      return parsed.kind === 'write' ? await this.#write(parsed) : await this.#read(parsed);
    } catch (error) {
      return keyErrorReply(error, clusterHeaders);
    }
  }

  async #write({ request, isTerse }: KeyWrite): Promise<HttpReply> {
    const result = await this.#options.proposer.propose(request, undefined);
    if (result.kind !== 'v2' || result.outcome === undefined) {
      throw new Error(`a v2 request gave ${result.kind}`);
    }
    const { outcome } = result;
    if (outcome instanceof V2Error) throw outcome;
    const json = isTerse && !isDeletion(outcome) ? `{"action":"${outcome.action}"}` : outcome.json;
    return jsonLine(outcome.isCreated ? 201 : 200, this.#headers(outcome.index), json);
  }

  async #read({ path, isRecursive, isQuorum, wait }: KeyRead): Promise<HttpReply | HttpStream> {
    const { v2, storage, loop, clock } = this.#options;
    if (wait !== undefined) {
      const watch = { path, isRecursive, ...wait };
      return watchKeys(v2, storage.store.engine, watch, this.#headers(v2.index));
    }
    if (isQuorum) await new Promise<void>((run, fail) => loop.linearizableRead({ run, fail }));
    for (;;) {
      const { store } = storage;
      const { index } = v2;
      const headers = this.#headers(index);
      try {
        const query = { path, isRecursive, nowNs: wallNs(clock), index };
        const json = await readNode(store, query, clock);
        v2.counts.getsSuccess += 1;
        return jsonLine(200, headers, json);
      } catch (error) {
        // A state of the leader's may have brought another store meanwhile.
        if (error instanceof MvccError && storage.store !== store) continue;
        v2.counts.getsFail += 1;
        throw error;
      }
    }
  }

  #headers(index: number): V2Headers {
    const { clusterHeaders, raftStatus } = this.#options;
    const { committedIndex, term } = raftStatus();
    return [
      ...clusterHeaders,
      ['X-Etcd-Index', String(index)],
      ['X-Raft-Index', String(committedIndex)],
      ['X-Raft-Term', String(term)],
    ];
  }
}

function isRecursive(parsed: KeyRequest): boolean {
  return parsed.kind === 'write' ? parsed.request.isRecursive : parsed.isRecursive;
}

function isDeletion({ action }: V2Event): boolean {
  return action === 'delete' || action === 'compareAndDelete';
}
