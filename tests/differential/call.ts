import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { KV, Lease, Maintenance } from '@kvorum/api';

/** The unary methods that are compared, by the name a call has for them. */
export const unaryMethods = {
  range: KV.method.range,
  put: KV.method.put,
  deleteRange: KV.method.deleteRange,
  txn: KV.method.txn,
  compact: KV.method.compact,
  grant: Lease.method.leaseGrant,
  revoke: Lease.method.leaseRevoke,
  timeToLive: Lease.method.leaseTimeToLive,
  leases: Lease.method.leaseLeases,
  hashKv: Maintenance.method.hashKV,
} as const;

export type UnaryName = keyof typeof unaryMethods;

/** Number of a watch stream. On the last one watches may start in the future, on the others in the past. */
export type StreamNumber = 0 | 1 | 2;

export const futureStream: StreamNumber = 2;

/**
 * One thing to do on both servers. Requests are in protobuf's JSON form, but for revisions that depend on what happened
 * before: `now-2` and `compacted+1` count from the current and the compacted revision, so that a call means the same
 * in a shorter sequence.
 */
export type Call =
  | { readonly kind: 'unary'; readonly method: UnaryName; readonly request: JsonObject }
  /** One request on a LeaseKeepAlive stream of its own. */
  | { readonly kind: 'keepAlive'; readonly request: JsonObject }
  /** Grants a lease whose time is too short to let it live, and revokes it at once. */
  | { readonly kind: 'shortLease'; readonly request: JsonObject }
  | { readonly kind: 'watch'; readonly stream: StreamNumber; readonly request: JsonObject }
  /** Cancels the nth watch of those ever created on a stream, or one that never was. */
  | { readonly kind: 'cancel'; readonly stream: StreamNumber; readonly nth: number | 'unknown' }
  /** Ends a stream and opens a new one. */
  | { readonly kind: 'reopen'; readonly stream: StreamNumber }
  /** Waits until all watches have seen all events, and compares them. */
  | { readonly kind: 'settle' };

/** Where revisions count from. */
export interface Revisions {
  readonly now: number;
  readonly compacted: number;
}

/** The request with the revisions in it as numbers. */
export function resolveRevisions(request: JsonObject, revisions: Revisions): JsonObject {
  return resolve(request, revisions) as JsonObject;
}

function resolve(value: JsonValue, revisions: Revisions): JsonValue {
  if (Array.isArray(value)) return value.map((item) => resolve(item, revisions));
  if (typeof value === 'string') return resolveText(value, revisions);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, resolve(item, revisions)]);
  return Object.fromEntries(entries) as JsonObject;
}

/** Base64 has neither `now+1` nor `compacted`: its length is a multiple of four. */
function resolveText(text: string, revisions: Revisions): string {
  const match = /^(now|compacted)([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const base = match[1] === 'now' ? revisions.now : revisions.compacted;
  return `${base + Number(match[2])}`;
}

/** A call on one line, with keys and values readable. */
export function describeCall(call: Call): string {
  if (call.kind === 'settle') return 'settle';
  const { kind, ...rest } = call;
  return `${kind} ${JSON.stringify(rest, readable)}`;
}

/** JSON.stringify's replacer that shows bytes as text. */
export function readable(name: string, value: unknown): unknown {
  const isBytes = name === 'key' || name === 'rangeEnd' || name === 'value';
  if (!isBytes || typeof value !== 'string') return value;
  const text = Buffer.from(value, 'base64').toString('latin1');
  return text.length > 20 ? `${text.slice(0, 4)}… (${text.length} bytes)` : text;
}
