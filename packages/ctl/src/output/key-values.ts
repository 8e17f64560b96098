import type { KeyValue, ResponseHeader } from '@kvorum/api';
import { goQuote } from './go-quote.ts';
import { hexBytes, hexId } from './go-text.ts';
import type { LineWriter } from './rendering.ts';

/** The `"ClusterID" : N` lines of an answer's header. */
export function headerFields(
  line: LineWriter,
  header: ResponseHeader | undefined,
  isHex: boolean,
): void {
  const id = (value: bigint) => (isHex ? value.toString(16) : String(value));
  line(`"ClusterID" : ${id(header?.clusterId ?? 0n)}`);
  line(`"MemberID" : ${id(header?.memberId ?? 0n)}`);
  const revision = header?.revision ?? 0n;
  if (revision > 0n) line(`"Revision" : ${revision}`);
  line(`"RaftTerm" : ${header?.raftTerm ?? 0n}`);
}

/** The `"Key" : …` lines of a key-value, with a prefix such as `Prev` in their names. */
export function keyValueFields(
  line: LineWriter,
  keyValue: KeyValue,
  isHex: boolean,
  prefix = '',
): void {
  const { key, value, createRevision, modRevision, version, lease } = keyValue;
  line(`"${prefix}Key" : ${goQuote(key)}`);
  line(`"${prefix}CreateRevision" : ${createRevision}`);
  line(`"${prefix}ModRevision" : ${modRevision}`);
  line(`"${prefix}Version" : ${version}`);
  line(`"${prefix}Value" : ${goQuote(value)}`);
  line(`"${prefix}Lease" : ${isHex ? hexId(lease) : lease}`);
}

/** Key and value on a line each, as `simple` prints them. */
export function keyValueLines(
  line: LineWriter,
  { key, value }: KeyValue,
  isHex: boolean,
  isValueOnly = false,
): void {
  if (!isValueOnly) line(isHex ? hexBytes(key) : key);
  line(isHex ? hexBytes(value) : value);
}
