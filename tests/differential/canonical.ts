import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { knownDifference } from '../framework/known-differences.ts';
import type { UnaryName } from './call.ts';

// Two right answers to one request can differ where the protocol leaves something open: the order of ties, the seconds
// that a lease has left. Here both become the same, and nothing else does.

/** An answer with what is left open taken out. Both arguments are in protobuf's JSON form. */
export function canonicalResponse(
  method: UnaryName,
  request: JsonObject,
  response: JsonObject,
): JsonObject {
  if (method === 'range') return canonicalRange(request, response);
  if (method === 'txn') return canonicalTxn(request, response);
  if (method === 'timeToLive') return canonicalTimeToLive(response);
  if (method === 'hashKv') return canonicalHash(response);
  if (method === 'leases') return { ...response, leases: sorted(objects(response.leases)) };
  return response;
}

function canonicalRange(request: JsonObject, response: JsonObject): JsonObject {
  let kvs = objects(response.kvs);
  if (request.keysOnly === true) {
    knownDifference('keys-only-lease');
    kvs = kvs.map(({ lease: _, ...kv }) => kv);
  }
  const field = sortField(request.sortTarget);
  if (field === undefined) return { ...response, kvs };
  // The values are gone from the answer, so which keys tie can't be seen.
  const blind = field === 'value' && request.keysOnly === true;
  return { ...response, kvs: blind ? tie('', kvs, response) : tieGroups(field, kvs, response) };
}

/** The field of a key-value that a range is sorted by; undefined when that is the key, which is unique. */
function sortField(target: JsonValue | undefined): string | undefined {
  const fields = {
    VERSION: 'version',
    CREATE: 'createRevision',
    MOD: 'modRevision',
    VALUE: 'value',
  } as const;
  return target === undefined ? undefined : fields[target as keyof typeof fields];
}

/** Puts the key-values that tie in one order. */
function tieGroups(field: string, kvs: readonly JsonObject[], response: JsonObject): JsonValue[] {
  const groups: { readonly of: string; readonly kvs: JsonObject[] }[] = [];
  for (const kv of kvs) {
    const of = `${kv[field] ?? ''}`;
    const last = groups.at(-1);
    if (last?.of === of) last.kvs.push(kv);
    else groups.push({ of, kvs: [kv] });
  }
  return groups.flatMap((group, index) => {
    const cut = index === groups.length - 1 ? response : {};
    return tie(group.of, group.kvs, cut);
  });
}

/** Of a tie that the limit may have cut, only the size is defined. */
function tie(of: string, kvs: readonly JsonObject[], { more }: JsonObject): JsonValue[] {
  return more === true ? [{ of, count: kvs.length }] : sorted(kvs);
}

function canonicalTxn(request: JsonObject, response: JsonObject): JsonObject {
  const branch = objects(response.succeeded === true ? request.success : request.failure);
  const responses = objects(response.responses).map((answer, index) => {
    const operation = branch[index] ?? {};
    if (isObject(answer.responseRange) && isObject(operation.requestRange)) {
      return { responseRange: canonicalRange(operation.requestRange, answer.responseRange) };
    }
    if (isObject(answer.responseTxn) && isObject(operation.requestTxn)) {
      return { responseTxn: canonicalTxn(operation.requestTxn, answer.responseTxn) };
    }
    return answer;
  });
  return { ...response, responses };
}

/** How far the seconds that a lease has left may be behind what was granted, on a slow machine. */
const MAX_AGE_SECONDS = 300;

function canonicalTimeToLive(response: JsonObject): JsonObject {
  const { TTL = 0, grantedTTL = 0, keys = [] } = response;
  const age = Number(grantedTTL) - Number(TTL);
  const alive = Number(grantedTTL) > 0 && age >= 0 && age < MAX_AGE_SECONDS;
  const canonicalKeys = Array.isArray(keys) ? keys.toSorted() : keys;
  return { ...response, TTL: alive ? 'of what was granted' : TTL, keys: canonicalKeys };
}

function canonicalHash({ hashRevision: _, ...response }: JsonObject): JsonObject {
  knownDifference('hash-revision');
  return response;
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(list: readonly JsonObject[]): JsonObject[] {
  const text = new Map(list.map((item) => [item, JSON.stringify(item)]));
  return list.toSorted((a, b) => ((text.get(a) ?? '') < (text.get(b) ?? '') ? -1 : 1));
}
