import type { WatchResponse } from '@kvorum/api';
import type { Host } from '../../host.ts';
import { goQuote } from '../../output/go-quote.ts';
import { runChild } from '../../run-child.ts';
import { eventName } from './watch-rendering.ts';

/**
 * Runs a program for each event, one after the other, with the event in its environment. Resolves with what went wrong
 * with one of them, and runs no more then.
 */
export async function runForEvents(
  command: readonly string[],
  { header, events }: WatchResponse,
  host: Host,
): Promise<string | undefined> {
  for (const event of events) {
    const { failure } = await runChild(
      command,
      {
        ...host.env,
        ETCD_WATCH_REVISION: String(header?.revision ?? 0n),
        ETCD_WATCH_EVENT_TYPE: goQuote(eventName(event)),
        ETCD_WATCH_KEY: goQuote(event.kv?.key ?? new Uint8Array()),
        ETCD_WATCH_VALUE: goQuote(event.kv?.value ?? new Uint8Array()),
      },
      host,
    );
    if (failure !== undefined) return failure;
  }
  return undefined;
}
