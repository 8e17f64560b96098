import {
  type Event,
  Event_EventTypeSchema,
  EventSchema,
  ResponseHeaderSchema,
  type WatchResponse,
  WatchResponseSchema,
} from '@kvorum/api';
import { enumName } from '../../output/enum-name.ts';
import { goJson, jsonText } from '../../output/go-json.ts';
import { headerFields, keyValueFields, keyValueLines } from '../../output/key-values.ts';
import type { Rendering } from '../../output/rendering.ts';

/** `PUT` or `DELETE`. */
export function eventName({ type }: Event): string {
  return enumName(Event_EventTypeSchema, type);
}

export function watchRendering(response: WatchResponse): Rendering {
  const { header, events } = response;
  return {
    simple: (line, isHex) => {
      for (const event of events) {
        line(eventName(event));
        if (event.prevKv !== undefined) keyValueLines(line, event.prevKv, isHex);
        if (event.kv !== undefined) keyValueLines(line, event.kv, isHex);
      }
    },
    fields: (line, isHex) => {
      headerFields(line, header, isHex);
      for (const event of events) {
        line(`"Type" : ${eventName(event)}`);
        if (event.prevKv !== undefined) keyValueFields(line, event.prevKv, isHex, 'Prev');
        if (event.kv !== undefined) keyValueFields(line, event.kv, isHex);
      }
    },
    json: () => json(response),
    message: [WatchResponseSchema, response],
  };
}

/** A struct of etcd's client, not the message: names in capitals, nothing left out. */
function json({ header, events, compactRevision, canceled, created, cancelReason }: WatchResponse) {
  const parts = [
    `"Header":${header === undefined ? '{}' : goJson(ResponseHeaderSchema, header)}`,
    `"Events":[${events.map((event) => goJson(EventSchema, event)).join(',')}]`,
    `"CompactRevision":${compactRevision}`,
    `"Canceled":${canceled}`,
    `"Created":${created}`,
    `"CancelReason":${jsonText(cancelReason)}`,
  ];
  return `{${parts.join(',')}}`;
}
