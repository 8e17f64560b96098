import type { CallOptions as NativeCallOptions } from '../call-options.ts';

/** What may be said about one call: the part of grpc-js's options that has a meaning here. */
export interface CallOptions {
  /** The moment when it ends with `GRPCDeadlineExceededError`. Default: 30 s from now. */
  deadline?: Date | number;
  /** Ends it with `GRPCCancelledError`. */
  signal?: AbortSignal;
}

/** A call, for who decides its options. */
export interface CallContext {
  /** Such as `KV`. */
  readonly service: string;
  /** Such as `range`. */
  readonly method: string;
  readonly isStream: boolean;
  /** The request, of calls that have one. */
  readonly params?: unknown;
}

/** Options of all calls, or who decides them call by call. */
export type CallOptionsFactory = CallOptions | ((context: CallContext) => CallOptions);

/** The options of one call: its own before those of the client. */
export function resolveCallOptions(
  own: CallOptions | undefined,
  defaults: CallOptionsFactory | undefined,
  context: CallContext,
): CallOptions {
  const general = typeof defaults === 'function' ? defaults(context) : defaults;
  return { ...general, ...own };
}

/** As the client below has them; `timeoutMs` is negative when the deadline has passed. */
export function nativeOptions({ deadline, signal }: CallOptions, now: number): NativeCallOptions {
  const ends = deadline instanceof Date ? deadline.getTime() : deadline;
  const isEndless = ends === Number.POSITIVE_INFINITY;
  return {
    // 0 stands for no end.
    ...(ends === undefined ? {} : { timeoutMs: isEndless ? 0 : ends - now || -1 }),
    ...(signal === undefined ? {} : { signal }),
  };
}
