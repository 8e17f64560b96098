import {
  type DeleteRangeResponse,
  DeleteRangeResponseSchema,
  type PutResponse,
  PutResponseSchema,
  type RangeResponse,
  RangeResponseSchema,
} from '@kvorum/api';
import { headerFields, keyValueFields, keyValueLines } from '../../output/key-values.ts';
import type { LineWriter, Rendering } from '../../output/rendering.ts';

export function rangeRendering(response: RangeResponse, isValueOnly = false): Rendering {
  return {
    simple: (line, isHex) => rangeLines(line, response, isHex, isValueOnly),
    fields: (line, isHex) => rangeFields(line, response, isHex),
    message: [RangeResponseSchema, response],
  };
}

export function rangeLines(
  line: LineWriter,
  { kvs }: RangeResponse,
  isHex: boolean,
  isValueOnly = false,
): void {
  for (const keyValue of kvs) keyValueLines(line, keyValue, isHex, isValueOnly);
}

export function rangeFields(line: LineWriter, response: RangeResponse, isHex: boolean): void {
  headerFields(line, response.header, isHex);
  for (const keyValue of response.kvs) keyValueFields(line, keyValue, isHex);
  line(`"More" : ${response.more}`);
  line(`"Count" : ${response.count}`);
}

export function putRendering(response: PutResponse): Rendering {
  return {
    simple: (line, isHex) => putLines(line, response, isHex),
    fields: (line, isHex) => putFields(line, response, isHex),
    message: [PutResponseSchema, response],
  };
}

export function putLines(line: LineWriter, { prevKv }: PutResponse, isHex: boolean): void {
  line('OK');
  if (prevKv !== undefined) keyValueLines(line, prevKv, isHex);
}

export function putFields(line: LineWriter, response: PutResponse, isHex: boolean): void {
  headerFields(line, response.header, isHex);
  if (response.prevKv !== undefined) keyValueFields(line, response.prevKv, isHex, 'Prev');
}

export function deleteRendering(response: DeleteRangeResponse): Rendering {
  return {
    simple: (line, isHex) => deleteLines(line, response, isHex),
    fields: (line, isHex) => deleteFields(line, response, isHex),
    message: [DeleteRangeResponseSchema, response],
  };
}

export function deleteLines(
  line: LineWriter,
  { deleted, prevKvs }: DeleteRangeResponse,
  isHex: boolean,
): void {
  line(String(deleted));
  for (const keyValue of prevKvs) keyValueLines(line, keyValue, isHex);
}

export function deleteFields(
  line: LineWriter,
  response: DeleteRangeResponse,
  isHex: boolean,
): void {
  headerFields(line, response.header, isHex);
  line(`"Deleted" : ${response.deleted}`);
  for (const keyValue of response.prevKvs) keyValueFields(line, keyValue, isHex, 'Prev');
}
