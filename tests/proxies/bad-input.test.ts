import { connect as dial } from 'node:net';
import { etcdServices } from '@kvorum/api';
import { connect } from '@kvorum/client';
import { CallError, type CallStatus, GrpcClient, nodeClock } from '@kvorum/h2';
import { describe, expect, it } from 'vitest';
import { startKvorum } from '../framework/member.ts';
import { ProxyProgram } from './proxy-program.ts';

/** A field of a length that goes beyond the end. */
const garbage = Buffer.from([0x0a, 0xff, 0x01]);
/** What the proxy has no part in, or says in its own words. */
const others = /health|reflection|RangeStream/;

const methods = etcdServices.flatMap(({ typeName, methods: those }) => {
  return those.map(({ name, methodKind }) => ({ path: `/${typeName}/${name}`, methodKind }));
});

class RawClient implements Disposable {
  readonly #client: GrpcClient;

  constructor(endpoint: string) {
    const port = Number(endpoint.split(':').at(-1));
    this.#client = new GrpcClient({
      dial: () => Promise.resolve(dial({ host: '127.0.0.1', port })),
      authority: endpoint,
      clock: nodeClock,
      random: Math.random,
    });
  }

  async unary(path: string, request: Uint8Array): Promise<string> {
    try {
      await this.#client.unary(path, request, { timeoutMs: 20_000 });
      return 'OK';
    } catch (error) {
      if (error instanceof CallError) return textOf(error.callStatus);
      throw error;
    }
  }

  stream(path: string, request: Uint8Array): Promise<string> {
    return new Promise((resolve) => {
      const stream = this.#client.stream(path, {
        onMessage: () => {},
        onEnd: (status) => resolve(textOf(status)),
      });
      stream.send(request);
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function textOf({ status, message }: CallStatus): string {
  return `${status} ${message}`;
}

describe('what is no request, through kvorum grpc-proxy', () => {
  it('is refused as by a member, and disturbs nobody', async () => {
    await using member = await startKvorum();
    await using proxy = await ProxyProgram.start('grpc-proxy', [`--endpoints=${member.endpoint}`]);
    await using bystander = connect({ endpoints: [proxy.endpoint] });
    await using watch = bystander.watch('k');
    await watch.opened;
    using direct = new RawClient(member.endpoint);
    using through = new RawClient(proxy.endpoint);
    for (const { path, methodKind } of methods) {
      if (others.test(path)) continue;
      const ask = (client: RawClient) =>
        methodKind === 'unary' ? client.unary(path, garbage) : client.stream(path, garbage);
      expect(`${path}: ${await ask(through)}`).toBe(`${path}: ${await ask(direct)}`);
    }
    for (const path of ['/etcdserverpb.KV/Nothing', '/nowhere.Service/Method', '/x']) {
      expect(await through.unary(path, garbage)).toMatch(/^12 /);
    }
    expect(await through.stream('/etcdserverpb.KV/RangeStream', Buffer.of())).toBe(
      '12 RangeStream is not supported by the gRPC proxy',
    );
    await bystander.put('k', 'v');
    const first = await watch[Symbol.asyncIterator]().next();
    expect(first.value?.entry.string()).toBe('v');
  });

  it('is too large when it is larger than --max-send-bytes', async () => {
    await using member = await startKvorum();
    const flags = [`--endpoints=${member.endpoint}`, '--max-send-bytes=1000'];
    await using proxy = await ProxyProgram.start('grpc-proxy', flags);
    await using client = connect({ endpoints: [proxy.endpoint] });
    await expect(client.put('k', 'x'.repeat(2000))).rejects.toThrow(
      'trying to send message larger than max',
    );
    await client.put('k', 'x'.repeat(900));
  });
});
