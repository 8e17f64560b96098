import { create, toBinary } from '@bufbuild/protobuf';
import { LeaseKeepAliveResponseSchema } from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import { describe, expect, it, vi } from 'vitest';
import { type KeepAliveCall, KeepAliveHub } from './keep-alive-hub.ts';

/** A member's end of a call: takes requests, and answers when a test says so. */
class MemoryCall implements KeepAliveCall {
  readonly asked: bigint[] = [];
  isCancelled = false;
  readonly #answers: Uint8Array[] = [];
  #error: unknown;
  #wake = Promise.withResolvers<void>();

  send({ ID }: { readonly ID: bigint }): void {
    this.asked.push(ID);
  }

  halfClose(): void {}

  cancel(): void {
    this.isCancelled = true;
    this.#wake.resolve();
  }

  answer(ID: bigint): void {
    const response = create(LeaseKeepAliveResponseSchema, { ID, TTL: 9n });
    this.#answers.push(toBinary(LeaseKeepAliveResponseSchema, response));
    this.#wake.resolve();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#wake.resolve();
  }

  async *batches(): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    for await (const one of this) yield [one];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const next = this.#answers.shift();
      if (next !== undefined) yield next;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.isCancelled) return;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }
}

function start() {
  const calls: MemoryCall[] = [];
  const timers = new Set<() => void>();
  const hub = new KeepAliveHub({
    open: () => {
      const call = new MemoryCall();
      calls.push(call);
      return call;
    },
    clock: {
      after: (_ms, callback) => {
        timers.add(callback);
        return () => timers.delete(callback);
      },
    },
  });
  const fire = () => {
    const due = [...timers];
    timers.clear();
    for (const callback of due) callback();
  };
  const waiter = () => ({ onRenewed: vi.fn(), onRefused: vi.fn() });
  const call = (index: number) => {
    const found = calls[index];
    if (found === undefined) throw new Error(`no call ${index}`);
    return found;
  };
  return { hub, call, calls, fire, waiter };
}

describe('the renewals of leases through a proxy', () => {
  it('share a stream, and the next renewal of a lease, never the one under way', async () => {
    const { hub, call, calls, waiter } = start();
    const [a, b, c, other] = [waiter(), waiter(), waiter(), waiter()];
    hub.renew(1n, a);
    hub.renew(1n, b);
    hub.renew(1n, c);
    hub.renew(2n, other);
    expect(calls).toHaveLength(1);
    expect(call(0).asked).toEqual([1n, 2n]);
    call(0).answer(1n);
    await vi.waitFor(() => expect(a.onRenewed).toHaveBeenCalledOnce());
    expect([b.onRenewed.mock.calls.length, call(0).asked]).toEqual([0, [1n, 2n, 1n]]);
    call(0).answer(1n);
    await vi.waitFor(() => expect(c.onRenewed).toHaveBeenCalledOnce());
    expect(b.onRenewed).toHaveBeenCalledOnce();
    expect(other.onRenewed).not.toHaveBeenCalled();
  });

  it('are asked for again when the stream is lost, or nothing comes', async () => {
    const { hub, call, calls, fire, waiter } = start();
    const a = waiter();
    hub.renew(1n, a);
    call(0).fail(new ClientError({ code: 'unreachable', message: 'gone' }));
    await vi.waitFor(() => expect(call(0).isCancelled).toBe(true));
    expect(calls).toHaveLength(1);
    fire();
    expect(call(1).asked).toEqual([1n]);
    // No answer: its patience is over, then the pause.
    fire();
    fire();
    call(2).answer(1n);
    await vi.waitFor(() => expect(a.onRenewed).toHaveBeenCalledOnce());
  });

  it('are refused for all when the members refuse the caller', async () => {
    const { hub, call, waiter } = start();
    const [a, b] = [waiter(), waiter()];
    hub.renew(1n, a);
    hub.renew(1n, b);
    call(0).fail(new ClientError({ code: 'invalidAuthToken', message: 'no', status: 16 }));
    await vi.waitFor(() => expect(b.onRefused).toHaveBeenCalledOnce());
    expect(a.onRefused).toHaveBeenCalledOnce();
  });

  it('are forgotten for those who leave', async () => {
    const { hub, call, calls, fire, waiter } = start();
    const a = waiter();
    hub.renew(1n, a);
    hub.leave(a);
    call(0).fail(new ClientError({ code: 'unreachable', message: 'gone' }));
    await vi.waitFor(() => expect(call(0).isCancelled).toBe(true));
    fire();
    expect(calls).toHaveLength(1);
    hub.close();
  });
});
