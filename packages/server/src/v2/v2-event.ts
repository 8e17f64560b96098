import { goJsonString } from './go-json.ts';
import { shownPath } from './key-path.ts';
import type { V2Node } from './v2-node.ts';

export type V2Action =
  | 'set'
  | 'create'
  | 'update'
  | 'delete'
  | 'compareAndSwap'
  | 'compareAndDelete'
  | 'expire';

/** A change of one node, as history and watchers know it. */
export interface V2Event {
  readonly action: V2Action;
  /** The path of the node. */
  readonly path: string;
  /** The v2 index that the change took. */
  readonly index: number;
  /** A TTL was renewed: nobody hears of it. */
  readonly isRefresh: boolean;
  /** A directory went, and what was below it. */
  readonly isDirGone: boolean;
  /** The node was made by the change: HTTP says 201. */
  readonly isCreated: boolean;
  /** The body of the response, without the line's end. */
  readonly json: string;
}

/** What a node's JSON shows beside the node. */
export interface Shown {
  /** Of a file; undefined for a directory, and for what was deleted. */
  readonly value: string | undefined;
  /** The moment from which the remaining seconds count, in nanoseconds since 1970. */
  readonly nowNs: bigint;
  /** JSON of the children that are listed. */
  readonly nodes?: readonly string[];
}

/** A node as etcd writes it: zero, empty and missing fields are left out. */
export function nodeJson(node: V2Node, { value, nowNs, nodes = [] }: Shown): string {
  const fields: string[] = [];
  const key = shownPath(node.path);
  if (key !== '') fields.push(`"key":${goJsonString(key)}`);
  if (value !== undefined) fields.push(`"value":${goJsonString(value)}`);
  if (node.isDir) fields.push('"dir":true');
  if (node.expirationNs !== undefined) {
    fields.push(`"expiration":"${rfc3339Nano(node.expirationNs)}"`);
    const ttl = secondsUntil(node.expirationNs, nowNs);
    if (ttl !== 0n) fields.push(`"ttl":${ttl}`);
  }
  if (nodes.length > 0) fields.push(`"nodes":[${nodes.join(',')}]`);
  if (node.modifiedIndex !== 0) fields.push(`"modifiedIndex":${node.modifiedIndex}`);
  if (node.createdIndex !== 0) fields.push(`"createdIndex":${node.createdIndex}`);
  return `{${fields.join(',')}}`;
}

/** The body about a node, and about what it was before. */
export function eventJson(action: string, node: string, prevNode: string | undefined): string {
  const prev = prevNode === undefined ? '' : `,"prevNode":${prevNode}`;
  return `{"action":"${action}","node":${node}${prev}}`;
}

/** Nanoseconds since 1970 as Go writes a time in UTC, without zeros at the end of the fraction. */
export function rfc3339Nano(ns: bigint): string {
  const perSecond = 1_000_000_000n;
  const fraction = ((ns % perSecond) + perSecond) % perSecond;
  const seconds = new Date(Number((ns - fraction) / 1_000_000n)).toISOString().slice(0, 19);
  const digits = fraction.toString().padStart(9, '0').replace(/0+$/, '');
  return digits === '' ? `${seconds}Z` : `${seconds}.${digits}Z`;
}

/** Whole seconds, up for a part of one that is still to come. */
function secondsUntil(thenNs: bigint, nowNs: bigint): bigint {
  const perSecond = 1_000_000_000n;
  const leftNs = thenNs - nowNs;
  return leftNs / perSecond + (leftNs % perSecond > 0n ? 1n : 0n);
}
