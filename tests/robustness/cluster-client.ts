import { Code, ConnectError } from '@connectrpc/connect';
import type { Answer, History, Request, Workload } from '@kvorum/server/testing';
import { wire } from '@kvorum/server/testing';
import type { TestClient } from '../framework/client.ts';
import type { Prng } from '../framework/prng.ts';

/** What the clients of one run have in common. */
export interface ClientWorld {
  readonly history: History;
  readonly workload: Workload;
  /** One for each member there is now; calls to one that is down fail. */
  readonly clients: () => readonly TestClient[];
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** How long a client waits for an answer, in ms: shorter than a member's own patience. */
const TIMEOUT_MS = 3_000;
/** Between two calls that were refused, so that a cluster without a leader isn't flooded. */
const PAUSE_MS = 20;

/** A client of a cluster of processes: one call at a time, at one member after the other, all of it written down. */
export class ClusterClient {
  readonly #id: number;
  readonly #world: ClientWorld;
  readonly #random: Prng;
  #target: TestClient;
  #isStopped = false;
  answered = 0;

  constructor(id: number, world: ClientWorld, random: Prng) {
    this.#id = id;
    this.#world = world;
    this.#random = random;
    this.#target = anyClient(world, random);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Calls until it is stopped. */
  async run(): Promise<void> {
    const { workload, pause } = this.#world;
    while (!this.#isStopped) {
      const isFine = await this.#call(workload.next(this.#id));
      if (!isFine) await pause(PAUSE_MS);
      if (!isFine || this.#random.chance(0.05)) {
        this.#target = anyClient(this.#world, this.#random);
      }
      await pause(this.#random.below(4));
    }
  }

  /** False when there was no answer. */
  async #call(request: Request): Promise<boolean> {
    const { history, workload, nowMs } = this.#world;
    const call = history.called(this.#id, request, nowMs());
    try {
      const answer = await send(this.#target, request);
      history.returned(call, answer, nowMs());
      workload.learned(request, answer);
      this.answered++;
      return true;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const reason = wire.refusalOf(error.rawMessage);
      if (reason !== undefined) {
        const answer: Answer = { kind: 'refused', reason };
        history.returned(call, answer, nowMs());
        workload.learned(request, answer);
        return true;
      }
      const isWithoutEffect =
        request.kind === 'range' ||
        wire.isHarmless(error.rawMessage) ||
        (error.code === Code.Unavailable && error.rawMessage.includes('ECONNREFUSED'));
      if (isWithoutEffect) history.refused(call);
      else history.gaveUp(call);
      return false;
    }
  }
}

/** That of some member. */
export function anyClient({ clients }: ClientWorld, random: Prng): TestClient {
  const all = clients();
  const client = all[random.below(all.length)];
  if (client === undefined) throw new Error('there is no member to call');
  return client;
}

async function send(client: TestClient, request: Request): Promise<Answer> {
  const options = { timeoutMs: TIMEOUT_MS };
  switch (request.kind) {
    case 'put':
      return {
        kind: 'put',
        revision: wire.revisionOf(await client.kv.put(wire.putInit(request), options)),
      };
    case 'range':
      return wire.rangeAnswer(await client.kv.range(wire.rangeInit(request), options));
    case 'delete':
      return wire.deleteAnswer(await client.kv.deleteRange(wire.deleteInit(request), options));
    case 'txn':
      return wire.txnAnswer(await client.kv.txn(wire.txnInit(request), options));
    case 'grant': {
      const init = { ID: request.id, TTL: BigInt(request.ttlSeconds) };
      return {
        kind: 'lease',
        revision: wire.revisionOf(await client.lease.leaseGrant(init, options)),
      };
    }
    case 'revoke': {
      const response = await client.lease.leaseRevoke({ ID: request.id }, options);
      return { kind: 'lease', revision: wire.revisionOf(response) };
    }
    case 'compact': {
      const response = await client.kv.compact({ revision: BigInt(request.revision) }, options);
      return { kind: 'compact', revision: wire.revisionOf(response) };
    }
  }
}

/** Renews some of the leases now and then, until it is stopped. */
export class ClusterLeaseHolder {
  readonly #world: ClientWorld;
  readonly #random: Prng;
  #isStopped = false;

  constructor(world: ClientWorld, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async run(): Promise<void> {
    const { workload, pause } = this.#world;
    while (!this.#isStopped) {
      await pause(200);
      const lease = workload.leases[this.#random.below(workload.leases.length)];
      // Every third one is left to expire.
      if (lease === undefined || lease.id % 3n === 0n) continue;
      await this.#renew(anyClient(this.#world, this.#random), lease.id).catch((error: unknown) => {
        if (!(error instanceof ConnectError)) throw error;
      });
    }
  }

  async #renew(client: TestClient, id: bigint): Promise<void> {
    const { history, nowMs } = this.#world;
    const calledAtMs = nowMs();
    const requests = (async function* () {
      yield { ID: id };
    })();
    const options = { timeoutMs: TIMEOUT_MS };
    for await (const { ID, TTL } of client.lease.leaseKeepAlive(requests, options)) {
      if (ID === id && TTL > 0n) history.renewals.push({ id, calledAtMs });
      return;
    }
  }
}
