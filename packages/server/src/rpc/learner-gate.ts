import { etcdErrors } from '@kvorum/api';
import type { GrpcMethod, StreamReceiver, UnaryMethod } from '@kvorum/h2';
import { decodeRange } from '../codec/kv-requests.ts';
import { ProtoError } from '../codec/proto-reader.ts';

/** What a learner serves, as in etcd: its status, what it has of the keys, and its snapshot. */
const ALWAYS = new Set(['/etcdserverpb.Maintenance/Status', '/etcdserverpb.Maintenance/Snapshot']);
const RANGE = '/etcdserverpb.KV/Range';

/** A method that a learner refuses; it may become a voter, so it's asked each time. */
export function refusedByLearners(
  path: string,
  method: GrpcMethod,
  isLearner: () => boolean,
): GrpcMethod {
  if (ALWAYS.has(path)) return method;
  const { status, text } = etcdErrors.notSupportedForLearner;
  if (method.kind === 'stream') {
    return {
      kind: 'stream',
      open(call) {
        if (!isLearner()) return method.open(call);
        call.end(status, text);
        return deaf;
      },
    };
  }
  const gated: UnaryMethod = {
    kind: 'unary',
    handle(request, call) {
      if (!isLearner() || (path === RANGE && isSerializable(request))) {
        method.handle(request, call);
      } else {
        call.fail(status, text);
      }
    },
  };
  return gated;
}

const deaf: StreamReceiver = { onMessage() {}, onHalfClose() {}, onAbort() {} };

/** What isn't a range at all is the method's to refuse. */
function isSerializable(request: Uint8Array): boolean {
  try {
    return decodeRange(request).serializable;
  } catch (error) {
    if (error instanceof ProtoError) return true;
    throw error;
  }
}
