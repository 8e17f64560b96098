import { grpcStatus } from '@kvorum/api';

/** HTTP's status for gRPC's, as in the gateway of etcd 3.6 and later. */
const httpStatuses: ReadonlyMap<number, number> = new Map([
  [grpcStatus.ok, 200],
  [grpcStatus.canceled, 499],
  [grpcStatus.invalidArgument, 400],
  [grpcStatus.deadlineExceeded, 504],
  [grpcStatus.notFound, 404],
  [grpcStatus.alreadyExists, 409],
  [grpcStatus.permissionDenied, 403],
  [grpcStatus.unauthenticated, 401],
  [grpcStatus.resourceExhausted, 429],
  [grpcStatus.failedPrecondition, 400],
  [grpcStatus.aborted, 409],
  [grpcStatus.outOfRange, 400],
  [grpcStatus.unimplemented, 501],
  [grpcStatus.unavailable, 503],
]);

/** UNKNOWN, INTERNAL, DATA_LOSS, and whatever nobody has heard of. */
const SERVER_ERROR = 500;

export function httpStatusOf(status: number): number {
  return httpStatuses.get(status) ?? SERVER_ERROR;
}

/** A status as an object of JSON; a code or message that says nothing is left out, as everywhere. */
export function statusJson(status: number, message: string): string {
  return JSON.stringify({
    ...(status === 0 ? {} : { code: status }),
    ...(message === '' ? {} : { message }),
  });
}
