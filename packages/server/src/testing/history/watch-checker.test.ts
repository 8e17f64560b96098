import { describe, expect, it } from 'vitest';
import type { KeyEvent, WatchMessage, WatchRecord } from './operation.ts';
import { isWithin } from './operation.ts';
import { randomHistory } from './testing/random-history.ts';
import { watchViolations } from './watch-checker.ts';

const { timeline, prng } = randomHistory(3, { calls: 300 });
const range = { key: 'b', rangeEnd: 'e' };

/** Every event of the range from a revision on, one message for each revision, or for a few. */
function messagesFrom(start: number): WatchMessage[] {
  const messages: WatchMessage[] = [];
  let gathered: KeyEvent[] = [];
  for (let revision = start; revision <= timeline.revision; revision++) {
    gathered.push(...timeline.eventsAt(revision).filter(({ key }) => isWithin(key, range)));
    if (gathered.length === 0 || prng.chance(0.3)) continue;
    messages.push({ revision, events: gathered });
    gathered = [];
  }
  return messages;
}

function watchOf(messages: readonly WatchMessage[], more: Partial<WatchRecord> = {}): WatchRecord {
  return {
    client: 1,
    range,
    startRevision: 5,
    createdRevision: 9,
    messages,
    compactedAt: undefined,
    ...more,
  };
}

const whole = messagesFrom(5);
const without = (at: number) => whole.filter((_, i) => i !== at);
const several = whole.findIndex(({ events }) => {
  return events.length > 1 && events.every(({ revision }) => revision === events[0]?.revision);
});

describe('a watch', () => {
  it.each<[string, WatchRecord]>([
    ['is told of everything', watchOf(whole)],
    ['is told of nothing yet', watchOf([])],
    ['is told of what comes after its creation', watchOf(messagesFrom(10), { startRevision: 0 })],
    ['ends early', watchOf(whole.slice(0, 9))],
    ['hears that all was told', watchOf([...whole, { revision: timeline.revision, events: [] }])],
    ['is compacted', watchOf(whole.slice(0, 3), { compactedAt: 1000 })],
    ['was never created', watchOf([], { createdRevision: undefined })],
    [
      'is told what was there before',
      watchOf(
        whole.map(({ revision, events }) => ({
          revision,
          events: events.map((event) => ({
            ...event,
            previous: timeline.at(event.revision - 1)?.keys.get(event.key) ?? null,
          })),
        })),
      ),
    ],
  ])('%s', (_, watch) => {
    expect(watchViolations(watch, timeline)).toEqual([]);
  });

  it.each<[string, WatchRecord, string]>([
    ['is not told of something', watchOf(without(6)), 'left out'],
    ['is not told of the first', watchOf(without(0)), 'left out'],
    ['is told twice', watchOf([...whole.slice(0, 4), ...whole.slice(3)]), 'unique'],
    [
      'is told in another order',
      watchOf([
        ...without(4).slice(0, 6),
        whole[4] ?? whole[0],
        ...whole.slice(7),
      ] as WatchMessage[]),
      'left out',
    ],
    [
      'is told of a part',
      watchOf(
        whole.map((message, i) =>
          i === several ? { ...message, events: message.events.slice(1) } : message,
        ),
      ),
      'atomic',
    ],
    [
      'gets a revision in two messages',
      watchOf(
        whole.flatMap((message, i) =>
          i === several
            ? message.events.map((event) => ({ ...message, events: [event] }))
            : [message],
        ),
      ),
      'atomic',
    ],
    [
      'is told what did not happen',
      watchOf([{ revision: 5, events: [{ key: 'c', revision: 5, pair: undefined }] }], {
        startRevision: 5,
      }),
      'revision 5',
    ],
    [
      'hears too early that all was told',
      watchOf([{ revision: timeline.revision, events: [] }]),
      'left out',
    ],
    [
      'is told ahead of the header',
      watchOf(whole.map(({ events }) => ({ events, revision: 4 }))),
      'in a message at 4',
    ],
    [
      'is ended for a compaction that took nothing from it',
      watchOf(whole, { compactedAt: 6 }),
      'compacted',
    ],
    [
      'is told of another pair before',
      watchOf(
        whole.map(({ revision, events }) => ({
          revision,
          events: events.map((event) => ({ ...event, previous: event.pair ?? null })),
        })),
      ),
      'previous',
    ],
  ])('finds that one %s', (_, watch, text) => {
    const found = watchViolations(watch, timeline).join('\n');
    expect(found).toContain(text === 'revision 5' ? 'at 5' : text);
  });
});
