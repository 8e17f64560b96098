import type { GrpcMethod, GrpcService, UnaryCall } from '../../src/index.ts';

/** Bytes of a `Large` reply; made anew for each call, as the answer of a range request is. */
export const largeReplyBytes = 256 * 1024;

/** What both the honest client and the attackers call. */
export class AbuseService {
  /** Calls of `Hold` that are open; they end when their caller goes. */
  readonly held = new Set<UnaryCall>();
  readonly methods: GrpcService = new Map<string, GrpcMethod>([
    ['/test.Echo/Unary', { kind: 'unary', handle: (request, call) => call.reply(request) }],
    ['/test.Echo/Hold', { kind: 'unary', handle: (_request, call) => this.#hold(call) }],
    [
      '/test.Echo/Large',
      {
        kind: 'unary',
        handle: (_request, call) => call.reply(Buffer.alloc(largeReplyBytes, 0x61)),
      },
    ],
    [
      '/test.Echo/Stream',
      {
        kind: 'stream',
        open: (call) => ({
          onMessage: (message) => {
            if (!call.send(message)) call.pause();
          },
          onDrain: () => call.resume(),
          onHalfClose: () => call.end(),
          onAbort: () => {},
        }),
      },
    ],
  ]);

  #hold(call: UnaryCall): void {
    this.held.add(call);
    call.onAbort(() => this.held.delete(call));
  }
}
