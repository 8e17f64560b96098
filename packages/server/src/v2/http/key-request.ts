import type { Clock } from '../../clock.ts';
import { type V2Request, v2Request } from '../../codec/v2-request.ts';
import { keysPath } from '../key-path.ts';
import { V2Error, type V2ErrorCode } from '../v2-error.ts';
import { wallNs } from '../wall-time.ts';
import { type Form, parseBool, parseUint64 } from './go-url.ts';

/** What a client asks of the keys. */
export type KeyRequest = KeyRead | KeyWrite;

export interface KeyRead {
  readonly kind: 'read';
  readonly path: string;
  readonly isRecursive: boolean;
  readonly isQuorum: boolean;
  /** Undefined for one that is answered at once. */
  readonly wait: { readonly sinceIndex: bigint; readonly isStream: boolean } | undefined;
}

export interface KeyWrite {
  readonly kind: 'write';
  readonly request: V2Request;
  /** The answer has neither node nor what it replaced. */
  readonly isTerse: boolean;
}

/**
 * Reads the parameters in etcd's order, which decides what is told of a request with several faults; `path` is what
 * follows /v2/keys. Throws `V2Error`.
 */
export function parseKeyRequest(
  method: string,
  path: string,
  form: Form,
  clock: Pick<Clock, 'wallMs'>,
): KeyRequest {
  const prevIndex = uint64(form, 'prevIndex', 203);
  const sinceIndex = uint64(form, 'waitIndex', 203);
  const isRecursive = bool(form, 'recursive');
  bool(form, 'sorted');
  const waits = bool(form, 'wait');
  const isDir = bool(form, 'dir');
  const isQuorum = bool(form, 'quorum');
  const isStream = bool(form, 'stream');
  if (waits && method !== 'GET') {
    throw new V2Error(209, '"wait" can only be used with GET requests');
  }
  const prevValue = first(form, 'prevValue');
  if (form.has('prevValue') && prevValue === '') {
    throw new V2Error(201, '"prevValue" cannot be empty');
  }
  const isTerse = bool(form, 'noValueOnSuccess');
  const ttl = first(form, 'ttl') === '' ? undefined : uint64(form, 'ttl', 202);
  const prevExist = form.has('prevExist') ? bool(form, 'prevExist', 'prevExist') : undefined;
  const isRefresh = form.has('refresh') && bool(form, 'refresh', 'refresh');
  const value = first(form, 'value');
  if (isRefresh && value !== '') throw new V2Error(211, 'A value was provided on a refresh');
  if (isRefresh && ttl === undefined) throw new V2Error(212, 'No TTL value set');
  const fullPath = keysPath(path);
  if (method === 'PUT' || method === 'POST' || method === 'DELETE') {
    refuseDeep(fullPath);
    const timeNs = wallNs(clock as Clock);
    const request = v2Request(method, {
      path: fullPath,
      value,
      isDir,
      prevValue,
      prevIndex,
      prevExist,
      expirationNs: ttl === undefined ? 0n : expirationOf(ttl, timeNs),
      isRecursive,
      timeNs,
      isRefresh,
    });
    return { kind: 'write', request, isTerse };
  }
  // A read through the quorum doesn't wait, whatever else it says.
  const wait = waits && !isQuorum ? { sinceIndex, isStream } : undefined;
  const reads = method === 'GET' && isQuorum;
  return { kind: 'read', path: fullPath, isRecursive, isQuorum: reads, wait };
}

/**
 * Elements of a path that may be written, a hundred times what people use. Each is a directory with the whole path to
 * it in the name of its row: a short request with thousands of them would write many megabytes.
 */
const MAX_ELEMENTS = 500;

function refuseDeep(path: string): void {
  if (path.split('/').length - 2 <= MAX_ELEMENTS) return;
  throw new V2Error(210, `a key has at most ${MAX_ELEMENTS} elements`);
}

/** Like Go's arithmetic it wraps where 64 bits of nanoseconds end: 292 years. */
function expirationOf(ttlSeconds: bigint, nowNs: bigint): bigint {
  return BigInt.asIntN(64, nowNs + ttlSeconds * 1_000_000_000n);
}

function first(form: Form, name: string): string {
  return form.get(name)?.[0] ?? '';
}

function uint64(form: Form, name: string, code: V2ErrorCode): bigint {
  if (!form.has(name)) return 0n;
  const value = parseUint64(first(form, name));
  if (value === undefined) throw new V2Error(code, `invalid value for "${name}"`);
  return value;
}

function bool(form: Form, name: string, shown = `"${name}"`): boolean {
  if (!form.has(name)) return false;
  const value = parseBool(first(form, name));
  if (value === undefined) throw new V2Error(209, `invalid value for ${shown}`);
  return value;
}
