import { WatchResponseSchema } from '@kvorum/api';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Interceptor } from '../interceptors/interceptor.ts';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { type TracingOptions, tracing } from './tracing.ts';

const key = Uint8Array.of(1);

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterAll(() => {
  context.disable();
  propagation.disable();
});

function scene(options: Omit<TracingOptions, 'tracerProvider'> = {}) {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const metadata: (readonly [string, string])[] = [];
  const looking: Interceptor = {
    unary: (call, next) => {
      metadata.push(...(call.options.metadata ?? []));
      return next(call);
    },
  };
  const cluster = new MemoryCluster();
  const client = new RpcClient(
    {
      endpoints: ['http://a:1', 'http://b:2'],
      interceptors: [tracing({ tracerProvider, ...options }), looking],
    },
    cluster.environment,
  );
  return { cluster, client, metadata, tracerProvider, spans: () => exporter.getFinishedSpans() };
}

describe('spans of calls', () => {
  it('say what was called and where, and hold no keys', async () => {
    const { cluster, client, spans } = scene();
    cluster.moods.set('http://a:1', 'unavailable');
    await client.kv.range({ key });
    const [span] = spans();
    expect(span).toMatchObject({ name: 'etcdserverpb.KV/Range', kind: SpanKind.CLIENT });
    expect(span?.attributes).toEqual({
      'rpc.system': 'grpc',
      'rpc.service': 'etcdserverpb.KV',
      'rpc.method': 'Range',
      'rpc.grpc.status_code': 0,
      'server.address': 'b',
      'server.port': 2,
      'kvorum.attempts': 2,
    });
  });

  it('say what went wrong', async () => {
    const { cluster, client, spans } = scene();
    cluster.moods.set('http://a:1', 'unavailable');
    await client.kv.put({ key }).catch(() => {});
    const [span] = spans();
    expect(span?.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'etcdserver: no leader',
    });
    expect(span?.attributes).toMatchObject({
      'rpc.grpc.status_code': 14,
      'error.type': 'noLeader',
      'kvorum.may_have_applied': true,
    });
    expect(span?.events.map(({ name }) => name)).toEqual(['exception']);
  });

  it('belong to the span that is active, and tell the server of it', async () => {
    const { client, metadata, spans, tracerProvider } = scene();
    const parent = tracerProvider.getTracer('test').startSpan('parent');
    await context.with(trace.setSpan(context.active(), parent), () => client.kv.put({ key }));
    const [span] = spans();
    const { traceId, spanId } = parent.spanContext();
    expect(span?.spanContext().traceId).toBe(traceId);
    expect(span?.parentSpanContext?.spanId).toBe(spanId);
    expect(metadata).toEqual([['traceparent', `00-${traceId}-${span?.spanContext().spanId}-01`]]);
  });

  it('tell nobody when they shall not', async () => {
    const { client, metadata, spans } = scene({ propagate: false });
    await client.kv.put({ key });
    expect([metadata, spans().length]).toEqual([[], 1]);
  });
});

describe('spans of streams', () => {
  async function watchOnce(client: RpcClient, cluster: MemoryCluster) {
    const stream = client.watch.watch();
    stream.send({ requestUnion: { case: 'createRequest', value: { key } } });
    await cluster.pass(0);
    cluster.lastStream.answer(WatchResponseSchema, { created: true });
    for await (const _ of stream) break;
  }

  it('last as long as they do', async () => {
    const { client, cluster, spans } = scene();
    const reading = watchOnce(client, cluster);
    expect(spans()).toEqual([]);
    await reading;
    expect(spans()[0]?.attributes).toMatchObject({
      'rpc.method': 'Watch',
      'rpc.grpc.status_code': 0,
      'server.address': 'a',
      'kvorum.sent_messages': 1,
      'kvorum.received_messages': 1,
    });
  });

  it('need not be', async () => {
    const { client, cluster, spans } = scene({ streams: false });
    await watchOnce(client, cluster);
    expect(spans()).toEqual([]);
  });
});
