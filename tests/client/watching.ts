import type { Watch, WatchEvent } from '@kvorum/client';
import { eventually } from '../framework/eventually.ts';

/** An event as short text, with the revision it happened at. */
export function textOf({ type, entry, isSynthetic }: WatchEvent): string {
  const key = entry.keyString();
  const what = type === 'put' ? `${key}=${entry.string()}` : `-${key}`;
  return isSynthetic ? `~${what}` : what;
}

/** A watch that is read into a list. */
export class Reading {
  readonly watch: Watch;
  readonly events: WatchEvent[] = [];
  /** Settles when the watch ends. */
  readonly ended: Promise<void>;

  constructor(watch: Watch) {
    this.watch = watch;
    this.ended = this.#read();
    this.ended.catch(() => {});
  }

  get texts(): string[] {
    return this.events.map(textOf);
  }

  /** When an event has come that reads so. */
  async until(text: string, deadlineMs?: number): Promise<void> {
    await eventually(`the event ${text}`, () => this.texts.includes(text), deadlineMs);
  }

  async #read(): Promise<void> {
    for await (const event of this.watch) this.events.push(event);
  }
}
