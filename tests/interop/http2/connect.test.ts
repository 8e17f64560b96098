import {
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  type Transport,
} from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { KV, Maintenance, Watch } from '@kvorum/api';
import { connectServices } from '@kvorum/h2/connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { eventually } from '../../framework/eventually.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { EchoServer } from './echo-server.ts';
import { runTool } from './tool.ts';

// Clients of Connect's three protocols over TLS, against services of a Connect router on a server of `@kvorum/h2`.
// packages/h2 tests the adapter itself; what is new here is the line, and curl.

const openssl = systemProgram('openssl');
const curl = systemProgram('curl');

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

let cancelledWatches = 0;

/** Echoes in the shape of etcd's API. */
function routes(router: ConnectRouter): void {
  router.service(KV, {
    range: ({ key }) => {
      if (key.length > 0) return { kvs: [{ key, value: key }], count: 1n };
      throw new ConnectError('no key', Code.InvalidArgument, { 'x-why': 'empty' });
    },
  });
  router.service(Watch, {
    watch: async function* (requests, { signal }) {
      signal.addEventListener('abort', () => {
        cancelledWatches += 1;
      });
      let watchId = 0n;
      for await (const _request of requests) {
        watchId += 1n;
        yield { watchId };
      }
    },
  });
  router.service(Maintenance, {
    snapshot: async function* () {
      for (let i = 20; i > 0; i--) {
        yield { remainingBytes: BigInt(i), blob: new Uint8Array(100_000).fill(i) };
      }
    },
  });
}

describe.skipIf(openssl === undefined)('over TLS', () => {
  let certificate: Certificate;
  let server: EchoServer;

  beforeAll(async () => {
    certificate = new Certificate(openssl ?? '');
    server = await EchoServer.listen({ certificate, services: connectServices(routes) });
  });

  afterAll(() => {
    server[Symbol.dispose]();
    certificate[Symbol.dispose]();
  });

  const transports: Readonly<Record<string, () => Transport>> = {
    gRPC: () => createGrpcTransport(options()),
    'gRPC-Web': () => createGrpcWebTransport({ ...options(), httpVersion: '2' }),
    Connect: () => createConnectTransport({ ...options(), httpVersion: '2' }),
    'Connect with JSON': () =>
      createConnectTransport({ ...options(), httpVersion: '2', useBinaryFormat: false }),
  };

  function options() {
    return { baseUrl: server.url, nodeOptions: { ca: certificate.cert } };
  }

  describe.each(Object.entries(transports))('connect-node with %s', (_, newTransport) => {
    it('makes many calls at once, large ones too', async () => {
      const kv = createClient(KV, newTransport());
      const keys = Array.from({ length: 200 }, (_unused, i) => bytes(`key ${i}`));
      const large = new Uint8Array(900_000).fill(7);
      const answers = await Promise.all([...keys, large].map((key) => kv.range({ key })));
      const values = answers.map(({ kvs }) => kvs[0]?.value);
      expect(values.slice(0, 200).map(text)).toEqual(keys.map(text));
      expect(Buffer.from(large).equals(values[200] ?? Buffer.alloc(0))).toBe(true);
    });

    it('gets code, text and metadata of an error', async () => {
      const kv = createClient(KV, newTransport());
      const error = await kv.range({}).then(() => undefined, ConnectError.from);
      expect(error).toMatchObject({ code: Code.InvalidArgument, rawMessage: 'no key' });
      expect(error?.metadata.get('x-why')).toBe('empty');
    });

    it('reads a long stream', async () => {
      const maintenance = createClient(Maintenance, newTransport());
      const left: bigint[] = [];
      for await (const { remainingBytes, blob } of maintenance.snapshot({})) {
        expect(blob.length).toBe(100_000);
        left.push(remainingBytes);
      }
      expect(left.length).toBe(20);
    });

    it('streams both ways, and leaves', async () => {
      const before = cancelledWatches;
      const abort = new AbortController();
      const watch = createClient(Watch, newTransport());
      const wake = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* requests() {
        for (const one of wake) {
          yield {};
          await one.promise;
        }
        await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
      }
      const seen: bigint[] = [];
      const reading = (async () => {
        for await (const { watchId } of watch.watch(requests(), { signal: abort.signal })) {
          seen.push(watchId);
          wake[seen.length - 1]?.resolve();
        }
      })().catch(ConnectError.from);
      await eventually('two answers', () => seen.length === 2);
      abort.abort();
      expect(await reading).toMatchObject({ code: Code.Canceled });
      await eventually('the end at the server', () => cancelledWatches > before);
    });
  });

  it.skipIf(curl === undefined)('curl speaks Connect with JSON', async () => {
    const ask = async (body: string): Promise<readonly unknown[]> => {
      const { stdout } = await runTool(curl ?? '', [
        ...['--silent', '--show-error', '--max-time', '20', '--cacert', certificate.file],
        ...['--header', 'content-type: application/json', '--data', body],
        ...['--write-out', '\n%{http_version} %{http_code}'],
        `${server.url}/etcdserverpb.KV/Range`,
      ]);
      const [json = '', last] = stdout.split('\n');
      return [JSON.parse(json), last];
    };
    expect(await ask('{"key":"YQ=="}')).toEqual([
      { kvs: [{ key: 'YQ==', value: 'YQ==' }], count: '1' },
      '2 200',
    ]);
    expect(await ask('{}')).toEqual([{ code: 'invalid_argument', message: 'no key' }, '2 400']);
  });
});
