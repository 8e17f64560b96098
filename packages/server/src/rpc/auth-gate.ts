import type { AbortReason, GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import type { Access } from '../auth/access.ts';

/**
 * A method that begins when the token of the call is known, or known to be none: its signature may have to be checked,
 * or the entry that made it applied first. Without authentication, and with a token seen before, that's at once.
 */
export function forKnownCallers(method: GrpcMethod, access: Access): GrpcMethod {
  if (method.kind === 'stream') {
    return {
      kind: 'stream',
      open(call) {
        const known = access.prepare(call);
        return known === undefined ? method.open(call) : new WaitingStream(call, known, method);
      },
    };
  }
  return {
    kind: 'unary',
    handle(request, call) {
      const known = access.prepare(call);
      if (known === undefined) method.handle(request, call);
      else void known.then(() => method.handle(request, call));
    },
  };
}

/** Keeps what comes on a stream until it may begin. The caller is asked to wait, so that it isn't much. */
class WaitingStream implements StreamReceiver {
  #receiver: StreamReceiver | undefined;
  readonly #kept: ((receiver: StreamReceiver) => void)[] = [];
  #isOver = false;

  constructor(
    call: StreamCall,
    known: Promise<void>,
    method: Extract<GrpcMethod, { kind: 'stream' }>,
  ) {
    call.pause();
    void known.then(() => {
      // Nobody is left to be served; a receiver would never hear that the call has ended.
      if (this.#isOver || call.aborted) return;
      call.resume();
      const receiver = method.open(call);
      for (const give of this.#kept) give(receiver);
      this.#receiver = receiver;
    });
  }

  onMessage(message: Uint8Array): void {
    this.#give((receiver) => receiver.onMessage(message));
  }

  onHalfClose(): void {
    this.#give((receiver) => receiver.onHalfClose());
  }

  onDrain(): void {
    this.#receiver?.onDrain?.();
  }

  onAbort(reason: AbortReason): void {
    this.#isOver = true;
    this.#receiver?.onAbort(reason);
  }

  #give(give: (receiver: StreamReceiver) => void): void {
    if (this.#receiver === undefined) this.#kept.push(give);
    else give(this.#receiver);
  }
}
