import type { CallOptions as NativeCallOptions } from '../call-options.ts';
import type { Client } from '../client.ts';
import {
  type CallContext,
  type CallOptions,
  type CallOptionsFactory,
  nativeOptions,
  resolveCallOptions,
} from './call-options.ts';
import { wallClock } from './environment.ts';
import { castError } from './error-cast.ts';
import { ClientClosedError, GRPCDeadlineExceededError } from './errors.ts';

/** The client below, and how calls by it are made. */
export class Calls {
  readonly native: Client;
  readonly #defaults: CallOptionsFactory | undefined;

  constructor(native: Client, defaults: CallOptionsFactory | undefined) {
    this.native = native;
    this.#defaults = defaults;
  }

  /** Makes a call with the options that it has by itself and by default. Rejects with the errors of npm's etcd3. */
  async call<T>(
    context: CallContext,
    own: CallOptions | undefined,
    make: (options: NativeCallOptions) => Promise<T>,
  ): Promise<T> {
    const options = nativeOptions(resolveCallOptions(own, this.#defaults, context), wallClock());
    if (this.native.rpc.isClosed) throw new ClientClosedError(context.service);
    if ((options.timeoutMs ?? 0) < 0) {
      throw new GRPCDeadlineExceededError('4 DEADLINE_EXCEEDED: the deadline had passed already');
    }
    try {
      return await make(options);
    } catch (error) {
      throw castError(error, context.service);
    }
  }
}
