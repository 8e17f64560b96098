import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { parseEndpoint } from '../endpoints/endpoint.ts';
import { ClientError } from '../errors.ts';
import { type CallInfo, type Interceptor, withMetadata } from '../interceptors/interceptor.ts';
import { observeStream } from '../interceptors/observed-stream.ts';

/** What is traced, and by whom. */
export interface TracingOptions {
  /** Default: the global one, as it is when a call is made. */
  readonly tracerProvider?: TracerProvider;
  /** Whether streams get spans, which last as long as they do: hours, for a watch. Default true. */
  readonly streams?: boolean;
  /** Whether servers and proxies are told of the trace (`traceparent`), by the global propagator. Default true. */
  readonly propagate?: boolean;
}

const tracerName = '@kvorum/client';

/**
 * Makes a span of each call, for `interceptors`. They have the names and attributes of OpenTelemetry's conventions for
 * RPC: `rpc.system`, `rpc.service`, `rpc.method`, `rpc.grpc.status_code`, `server.address`, `server.port`, `error.type`;
 * and besides `kvorum.attempts` and, of a call that failed, `kvorum.may_have_applied`. Keys and values are in none.
 */
export function tracing(options: TracingOptions = {}): Interceptor {
  const { tracerProvider, streams = true, propagate = true } = options;
  const begin = <C extends CallInfo>(call: C) => {
    const tracer = (tracerProvider ?? trace).getTracer(tracerName);
    const { service, method } = call;
    const attributes = {
      'rpc.system': 'grpc',
      'rpc.service': service.typeName,
      'rpc.method': method.name,
    };
    const name = `${service.typeName}/${method.name}`;
    const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
    const within = trace.setSpan(context.active(), span);
    const told = propagate ? withMetadata(call, carrierOf(within)) : call;
    return {
      call: { ...told, options: { ...told.options, ...attempts(span, call) } },
      span,
      within,
    };
  };
  const interceptor: Interceptor = {
    unary: async (made, next) => {
      const { call, span, within } = begin(made);
      try {
        const answer = await context.with(within, () => next(call));
        endWell(span);
        return answer;
      } catch (error) {
        endBadly(span, error);
        throw error;
      }
    },
  };
  if (!streams) return interceptor;
  return {
    ...interceptor,
    stream: (made, next) => {
      const { call, span, within } = begin(made);
      let sent = 0;
      let received = 0;
      return observeStream(
        context.with(within, () => next(call)),
        {
          onSend: () => {
            sent += 1;
          },
          onMessage: () => {
            received += 1;
          },
          onEnd: (error) => {
            span.setAttributes({
              'kvorum.sent_messages': sent,
              'kvorum.received_messages': received,
            });
            if (error === undefined) endWell(span);
            else endBadly(span, error);
          },
        },
      );
    },
  };
}

function carrierOf(within: Context): [string, string][] {
  const carrier: Record<string, string> = {};
  propagation.inject(within, carrier);
  return Object.entries(carrier);
}

/** Counts attempts, and tells of the endpoint of the last one. */
function attempts(span: Span, { options: { onAttempt } }: CallInfo) {
  let count = 0;
  return {
    onAttempt: (endpoint: string) => {
      count += 1;
      span.setAttribute('kvorum.attempts', count);
      const { address } = parseEndpoint(endpoint);
      if (address.kind === 'unix') span.setAttribute('server.address', address.path);
      else span.setAttributes({ 'server.address': address.host, 'server.port': address.port });
      onAttempt?.(endpoint);
    },
  };
}

function endWell(span: Span): void {
  span.setAttribute('rpc.grpc.status_code', 0);
  span.end();
}

function endBadly(span: Span, error: unknown): void {
  if (error instanceof ClientError) {
    span.setAttributes({
      'rpc.grpc.status_code': error.status,
      'error.type': error.code,
      'kvorum.may_have_applied': error.mayHaveApplied,
    });
  } else {
    span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER');
  }
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end();
}
