import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { ClientError } from '../errors.ts';
import type { CallInfo, Interceptor, StreamCall } from '../interceptors/interceptor.ts';
import { observeStream } from '../interceptors/observed-stream.ts';

/** What subscribers of `tracing:kvorum.client.call:*` are given: the same object from start to end. */
export interface CallDiagnostics {
  /** Such as `etcdserverpb.KV`. */
  readonly service: string;
  /** Such as `Put`. */
  readonly method: string;
  /** The messages of @kvorum/api; not to be changed. */
  readonly request: unknown;
  /** Each endpoint that it was sent to, so far. */
  readonly endpoints: readonly string[];
}

/** What subscribers of `kvorum.client.stream.start` and `.end` are given: the same object both times. */
export interface StreamDiagnostics {
  readonly service: string;
  readonly method: string;
  readonly endpoints: readonly string[];
  readonly sentMessages: number;
  readonly receivedMessages: number;
  /** Why it ended, at the end; undefined when it ended well. */
  readonly error: ClientError | undefined;
}

/** What subscribers of `kvorum.client.connection` are given. */
export interface ConnectionDiagnostics {
  readonly endpoint: string;
  readonly state: 'idle' | 'connecting' | 'ready' | 'waiting' | 'closed';
  /** Why the last attempt or connection failed, where it did. */
  readonly error: Error | undefined;
}

const calls = tracingChannel<CallDiagnostics>('kvorum.client.call');
const streamStart = channel('kvorum.client.stream.start');
const streamEnd = channel('kvorum.client.stream.end');
const connections = channel('kvorum.client.connection');

const none: readonly Interceptor[] = [];

/** What publishes calls and streams, while somebody subscribes. */
export function diagnostics(): readonly Interceptor[] {
  const isWanted = calls.hasSubscribers || streamStart.hasSubscribers || streamEnd.hasSubscribers;
  return isWanted ? publishing : none;
}

/** Publishes what becomes of a connection. */
export function publishConnection(message: ConnectionDiagnostics): void {
  if (connections.hasSubscribers) connections.publish(message);
}

const publishing: readonly Interceptor[] = [
  {
    unary: (call, next) => {
      const { noted, endpoints } = noteEndpoints(call);
      const message = { ...namesOf(call), request: call.request, endpoints };
      return calls.tracePromise(() => next(noted), message);
    },
    stream: (call: StreamCall, next) => {
      const { noted, endpoints } = noteEndpoints(call);
      const message = {
        ...namesOf(call),
        endpoints,
        sentMessages: 0,
        receivedMessages: 0,
        error: undefined as ClientError | undefined,
      };
      streamStart.publish(message);
      return observeStream(next(noted), {
        onSend: () => {
          message.sentMessages += 1;
        },
        onMessage: () => {
          message.receivedMessages += 1;
        },
        onEnd: (error) => {
          message.error = error;
          streamEnd.publish(message);
        },
      });
    },
  },
];

function namesOf({ service, method }: CallInfo) {
  return { service: service.typeName, method: method.name };
}

function noteEndpoints<C extends CallInfo>(call: C) {
  const endpoints: string[] = [];
  const { onAttempt } = call.options;
  const note = (endpoint: string) => {
    endpoints.push(endpoint);
    onAttempt?.(endpoint);
  };
  return { noted: { ...call, options: { ...call.options, onAttempt: note } }, endpoints };
}
