import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { transformInvokeImplementation } from '@connectrpc/connect/protocol';
import type { AbortReason, StreamCall, StreamMethod, StreamReceiver } from '../grpc/types.ts';
import { type CallContext, errorOfAbort } from './call-context.ts';
import { addErrorMetadata, detailsOf, errorOfHandler } from './connect-status.ts';
import { DrainGate } from './drain-gate.ts';
import { MessageQueue } from './message-queue.ts';
import { isBinaryCall, type RoutedMethod } from './routed-method.ts';

type Message = MessageShape<DescMessage>;

/** A router's streaming method, of any kind, as one of a `GrpcServer`. */
export function streamMethod(routed: RoutedMethod): StreamMethod {
  return {
    kind: 'stream',
    open: (call) => {
      const running = new RunningStream(routed, call);
      void running.run();
      return running;
    },
  };
}

/** A stream whose handler runs: its requests in a queue, its responses sent as fast as the caller reads. */
class RunningStream implements StreamReceiver {
  readonly #routed: RoutedMethod;
  readonly #call: StreamCall;
  readonly #context: CallContext;
  readonly #isBinary: boolean;
  readonly #requests: MessageQueue<Message>;
  readonly #gate = new DrainGate();
  #hasSent = false;

  constructor(routed: RoutedMethod, call: StreamCall) {
    this.#routed = routed;
    this.#call = call;
    this.#context = routed.context(call);
    this.#isBinary = isBinaryCall(call);
    const { parse } = routed.serialization.getI(this.#isBinary);
    // A handler that reads no further may still send; the rest of the requests is held back.
    this.#requests = new MessageQueue(call, parse, () => call.pause());
  }

  async run(): Promise<void> {
    try {
      await this.#sendAll();
      if (!this.#hasSent) this.#call.setHeaders(this.#context.responseHeader);
      this.#call.setTrailers(this.#context.responseTrailer);
      this.#call.end();
    } catch (thrown) {
      const error = errorOfHandler(thrown);
      addErrorMetadata(this.#context.responseTrailer, error);
      if (!this.#hasSent) this.#call.setHeaders(this.#context.responseHeader);
      this.#call.setTrailers(this.#context.responseTrailer);
      this.#call.end(error.code, error.rawMessage, detailsOf(error));
    }
    this.#context.finish();
  }

  onMessage(message: Uint8Array): void {
    this.#requests.push(message);
  }

  onHalfClose(): void {
    this.#requests.end();
  }

  onDrain(): void {
    this.#gate.open();
  }

  onAbort(reason: AbortReason): void {
    this.#context.abort(reason);
    this.#requests.fail(errorOfAbort(reason));
    this.#gate.open();
  }

  async #sendAll(): Promise<void> {
    const call = this.#call;
    const { spec, options, serialization } = this.#routed;
    const { serialize } = serialization.getO(this.#isBinary);
    this.#routed.checkTimeout(call);
    await options.requestGate?.(this.#context);
    const respond = transformInvokeImplementation(spec, this.#context, options.interceptors);
    for await (const message of respond(this.#requests)) {
      if (call.aborted) return;
      const bytes = serialize(message);
      if (!this.#hasSent) call.setHeaders(this.#context.responseHeader);
      this.#hasSent = true;
      if (!call.send(bytes)) await this.#gate.wait();
      if (call.aborted) return;
    }
  }
}
