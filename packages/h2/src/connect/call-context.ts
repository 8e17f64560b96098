import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import type { AbortReason, CallInfo, Connection, HttpExchange } from '../grpc/types.ts';
import { toHeaders } from './headers.ts';

/**
 * Under this key a handler finds in `context.values` what its call came on: peer, connection, TLS
 * certificate. Undefined when the call came another way, such as HTTP/1.1.
 */
export const callKey: ContextKey<CallInfo | HttpExchange | undefined> = createContextKey<
  CallInfo | HttpExchange | undefined
>(undefined, { description: 'call' });

/**
 * Under this key whoever serves Connect over HTTP/1.1 may say which connection a call came on, for the raw methods of
 * `rawRoutes`.
 */
export const connectionKey: ContextKey<Connection | undefined> = createContextKey<
  Connection | undefined
>(undefined, { description: 'connection' });

/** Ends a context's signal after the call; made once, because an Error takes its time. */
const finished = new ConnectError('the call has finished', Code.Canceled);

/**
 * What Connect tells a handler, for a gRPC call. All properties are its own, so that it may be spread,
 * which Connect itself does.
 */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly service: DescService;
  readonly requestMethod = 'POST';
  readonly protocolName = 'grpc';
  readonly url: string;
  readonly requestHeader: Headers;
  readonly responseHeader: Headers = new Headers();
  readonly responseTrailer: Headers = new Headers();
  readonly values: ContextValues = createContextValues();
  readonly signal: AbortSignal;
  readonly timeoutMs: () => number | undefined;
  readonly #controller = new AbortController();

  constructor(method: DescMethod, call: CallInfo, shutdown: AbortSignal | undefined) {
    this.method = method;
    this.service = method.parent;
    this.url = `${call.scheme}://${call.authority}${call.path}`;
    this.requestHeader = toHeaders(call.metadata.entries());
    this.values.set(callKey, call);
    const { signal } = this.#controller;
    this.signal = shutdown === undefined ? signal : AbortSignal.any([signal, shutdown]);
    this.timeoutMs = () => call.remainingMs();
  }

  /** The caller has gone. */
  abort(reason: AbortReason): void {
    this.#controller.abort(errorOfAbort(reason));
  }

  /** The call is over: whatever else the handler has begun may stop. */
  finish(): void {
    this.#controller.abort(finished);
  }
}

/** Why a call was aborted, as Connect says it. */
export function errorOfAbort(reason: AbortReason): ConnectError {
  return reason === 'deadline'
    ? new ConnectError('the operation timed out', Code.DeadlineExceeded)
    : new ConnectError('the call was cancelled', Code.Canceled);
}
