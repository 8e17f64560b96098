import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { WatchResponseSchema } from '@kvorum/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { connectRpc } from './connect.ts';
import { type CallDiagnostics, diagnostics, type StreamDiagnostics } from './diagnostics.ts';

const key = Uint8Array.of(1);

/** All that is published on a channel during a test. */
function published<T>(name: string): T[] {
  const messages: T[] = [];
  const note = (message: unknown) => {
    messages.push({ ...(message as T) });
  };
  subscribe(name, note);
  onTestFinished(() => {
    unsubscribe(name, note);
  });
  return messages;
}

function scene() {
  const cluster = new MemoryCluster();
  const environment = { ...cluster.environment, interceptors: diagnostics };
  const client = new RpcClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 1000 }, environment);
  return { cluster, client };
}

describe('diagnostics channels', () => {
  it('cost nothing while nobody subscribes', () => {
    expect(diagnostics()).toEqual([]);
  });

  it('tell of calls and what they failed with', async () => {
    const { cluster, client } = scene();
    const events: [string, CallDiagnostics & { error?: unknown }][] = [];
    const note = (name: string) => (message: unknown) => {
      events.push([name, { ...(message as CallDiagnostics) }]);
    };
    const [start, asyncEnd, error] = [note('start'), note('asyncEnd'), note('error')];
    const handlers = { start, asyncEnd, error };
    const channel = tracingChannel<CallDiagnostics>('kvorum.client.call');
    channel.subscribe(handlers as never);
    onTestFinished(() => {
      channel.unsubscribe(handlers as never);
    });
    cluster.moods.set('a:1', 'down');
    await client.kv.range({ key });
    cluster.moods.set('b:1', 'unavailable');
    await client.kv.put({ key }).catch(() => {});
    expect(events.map(([name, message]) => `${name} ${message.method}`)).toEqual([
      ...['start Range', 'asyncEnd Range'],
      ...['start Put', 'error Put', 'asyncEnd Put'],
    ]);
    expect(events[1]?.[1]).toMatchObject({
      service: 'etcdserverpb.KV',
      request: { key },
      endpoints: ['b:1'],
    });
    expect(events[3]?.[1].error).toMatchObject({ code: 'noLeader' });
  });

  it('tell of streams, from start to end', async () => {
    const starts = published<StreamDiagnostics>('kvorum.client.stream.start');
    const ends = published<StreamDiagnostics>('kvorum.client.stream.end');
    const { cluster, client } = scene();
    const stream = client.watch.watch();
    stream.send({ requestUnion: { case: 'createRequest', value: { key } } });
    await cluster.pass(0);
    cluster.lastStream.answer(WatchResponseSchema, { created: true });
    for await (const _ of stream) break;
    expect(starts).toMatchObject([{ method: 'Watch', sentMessages: 0 }]);
    expect(ends).toMatchObject([
      { method: 'Watch', endpoints: ['a:1'], sentMessages: 1, receivedMessages: 1 },
    ]);
  });

  it('tell of connections', async () => {
    const messages = published<{ endpoint: string; state: string; error?: Error }>(
      'kvorum.client.connection',
    );
    using client = connectRpc({ endpoints: ['unix:///nobody/listens/here'], timeoutMs: 100 });
    await client.kv.range({ key }).catch(() => {});
    const states = messages.map(({ state }) => state);
    expect(states.slice(0, 2)).toEqual(['connecting', 'waiting']);
    expect(messages[1]).toMatchObject({ endpoint: 'unix:///nobody/listens/here' });
    expect(messages[1]?.error?.message).toContain('ENOENT');
  });
});
