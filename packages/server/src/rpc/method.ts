import { EtcdError } from '@kvorum/api';
import type { UnaryCall, UnaryMethod } from '@kvorum/h2';
import { LeaseError } from '@kvorum/mvcc';
import { toEtcdError } from '../apply/reader.ts';
import { ProtoError } from '../codec/proto-reader.ts';

/** gRPC status of a message that can't be decoded. */
const INTERNAL = 13;
/** Of errors that etcd sends without a code of their own, such as `not a primary lessor`. */
const UNKNOWN = 2;

/** A unary method around a function that replies, now or later, or throws what the caller shall be told. */
export function unary(handle: (request: Uint8Array, call: UnaryCall) => void): UnaryMethod {
  return {
    kind: 'unary',
    handle(request, call) {
      try {
        handle(request, call);
      } catch (error) {
        const { status, text } = statusOf(error);
        call.fail(status, text);
      }
    },
  };
}

/** A unary method whose answer takes a while; what the promise rejects with is sent as a status. */
export function unaryAsync(
  handle: (request: Uint8Array, call: UnaryCall) => Promise<Uint8Array>,
): UnaryMethod {
  return unary((request, call) => {
    handle(request, call).then(
      (message) => call.reply(message),
      (error: unknown) => {
        const { status, text } = statusOf(error);
        call.fail(status, text);
      },
    );
  });
}

/** What grpc-go says about a message that can't be decoded, by the kind of call that it came on. */
const malformed = {
  unary: 'grpc: error unmarshalling request',
  stream: 'grpc: failed to unmarshal the received message',
} as const;

/**
 * The status behind what a handler threw. Errors that are neither etcd's nor about malformed input are bugs: they are
 * thrown on, and end the process rather than be answered.
 */
export function statusOf(
  error: unknown,
  kind: keyof typeof malformed = 'unary',
): { status: number; text: string } {
  const known = toEtcdError(error);
  if (known instanceof EtcdError) return { status: known.wireStatus, text: known.text };
  if (known instanceof ProtoError) {
    return { status: INTERNAL, text: `${malformed[kind]}: ${known.message}` };
  }
  if (known instanceof LeaseError) return { status: UNKNOWN, text: known.message };
  throw known;
}
