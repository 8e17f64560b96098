import { type Client, compare, connect, op } from '@kvorum/client';
import { Etcd3 } from 'etcd3';

/** One client under test, in the words of this benchmark. */
export interface ClientSubject {
  put(key: string, value: Buffer): Promise<unknown>;
  get(key: string): Promise<Buffer>;
  /** Writes a key if it holds this value. */
  txn(key: string, expected: Buffer, value: Buffer): Promise<unknown>;
  /** Reads all keys below a prefix; resolves with their number. */
  list(prefix: string): Promise<number>;
  /** A lease that is renewed only by `keepAlive`. */
  lease(ttlSeconds: number): Promise<unknown>;
  /** Renews such a lease once. */
  keepAlive(lease: unknown): Promise<unknown>;
  /** Calls back with each event below a prefix; resolves once the server watches. */
  watch(prefix: string, onEvent: () => void): Promise<unknown>;
  close(): void;
}

type KeepAlive = ReturnType<Client['rpc']['lease']['leaseKeepAlive']>;

/** Renewals over one stream, as the client makes them for the leases that it keeps alive. */
class Renewals {
  readonly #client: Client;
  readonly #waiting: (() => void)[] = [];
  #stream: KeepAlive | undefined = undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Resolves with the answer; the server answers in order. */
  renew(id: bigint): Promise<void> {
    this.#stream ??= this.#open();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#stream.send({ ID: id });
    return promise;
  }

  #open(): KeepAlive {
    const stream = this.#client.rpc.lease.leaseKeepAlive();
    void (async () => {
      for await (const answers of stream.batches()) {
        for (const _answer of answers) this.#waiting.shift()?.();
      }
    })();
    return stream;
  }
}

/** How to make each of them, by name. */
export const subjects: Readonly<Record<string, (endpoint: string) => ClientSubject>> = {
  kvorum: (endpoint) => {
    const client = connect({ endpoints: [endpoint] });
    const renewals = new Renewals(client);
    return {
      put: (key, value) => client.put(key, value),
      get: async (key) => Buffer.from((await client.get(key))?.value ?? []),
      txn: (key, expected, value) =>
        client
          .txn()
          .if(compare.value(key, '=', expected))
          .then(op.put(key, value))
          .commit(),
      list: async (prefix) => (await client.range({ prefix })).entries.length,
      lease: (ttlSeconds) => client.rpc.lease.leaseGrant({ TTL: BigInt(ttlSeconds) }),
      keepAlive: (lease) => renewals.renew((lease as { ID: bigint }).ID),
      watch: async (prefix, onEvent) => {
        const watcher = client.watch({ prefix });
        void (async () => {
          for await (const _event of watcher) onEvent();
        })();
        await watcher.opened;
      },
      close: () => client.close(),
    };
  },
  etcd3: (endpoint) => {
    const client = new Etcd3({ hosts: `http://${endpoint}` });
    return {
      put: (key, value) => client.put(key).value(value).exec(),
      get: async (key) => (await client.get(key).buffer()) ?? Buffer.alloc(0),
      txn: (key, expected, value) =>
        client.if(key, 'Value', '==', expected).then(client.put(key).value(value)).commit(),
      list: async (prefix) => Object.keys(await client.getAll().prefix(prefix).buffers()).length,
      lease: async (ttlSeconds) => {
        const lease = client.lease(ttlSeconds, { autoKeepAlive: false });
        await lease.grant();
        return lease;
      },
      keepAlive: (lease) => (lease as ReturnType<typeof client.lease>).keepaliveOnce(),
      watch: async (prefix, onEvent) => {
        const watcher = await client.watch().prefix(prefix).create();
        watcher.on('put', onEvent);
      },
      close: () => client.close(),
    };
  },
};
