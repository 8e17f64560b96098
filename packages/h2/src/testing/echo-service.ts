import { Status } from '../grpc/status.ts';
import type { GrpcMethod, StreamCall, StreamReceiver, UnaryCall } from '../grpc/types.ts';

/** A service with one method for each way a call can go. */
export class EchoService {
  /** Calls of `Never`, which nobody answers. */
  readonly pending: UnaryCall[] = [];
  /** Why calls were aborted, in order. */
  readonly abortReasons: string[] = [];
  readonly methods: ReadonlyMap<string, GrpcMethod> = new Map<string, GrpcMethod>([
    ['/test.Echo/Unary', { kind: 'unary', handle: (request, call) => call.reply(request) }],
    ['/test.Echo/Never', { kind: 'unary', handle: (_request, call) => this.#hold(call) }],
    ['/test.Echo/Fail', { kind: 'unary', handle: fail }],
    ['/test.Echo/Stream', { kind: 'stream', open: (call) => this.#echo(call) }],
    ['/test.Echo/Metadata', { kind: 'unary', handle: (_request, call) => replyMetadata(call) }],
  ]);

  #hold(call: UnaryCall): void {
    this.pending.push(call);
    call.onAbort((reason) => this.abortReasons.push(reason));
  }

  /** Sends every message back, and reads no faster than it can send. */
  #echo(call: StreamCall): StreamReceiver {
    return {
      onMessage: (message) => {
        if (!call.send(message)) call.pause();
      },
      onDrain: () => call.resume(),
      onHalfClose: () => call.end(),
      onAbort: (reason) => this.abortReasons.push(reason),
    };
  }
}

/** Fails with the request as its message. */
function fail(request: Uint8Array, call: UnaryCall): void {
  call.fail(Status.outOfRange, Buffer.from(request).toString(), Buffer.from([1, 2, 255]));
}

/** Replies with what it understood of the metadata, as JSON in two pieces. */
function replyMetadata(call: UnaryCall): void {
  const text = JSON.stringify({
    token: call.metadata.get('token'),
    all: call.metadata.getAll('many'),
    bin: [...(call.metadata.getBinary('data-bin') ?? [])],
    hasDeadline: call.timeoutMs !== undefined,
    peer: call.peer,
  });
  call.reply([Buffer.from(text.slice(0, 5)), Buffer.from(text.slice(5))]);
}
