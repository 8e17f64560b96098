/**
 * gRPC status codes by name (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).
 * A status travels as a decimal number in the `grpc-status` trailer.
 */
export const Status = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** A gRPC status code by number, one of the values of `Status` (or what a newer peer invented). */
export type StatusCode = number;
