import { grpcStatus } from '@kvorum/api';
import type { ClientError } from '@kvorum/client';

/**
 * What is printed after `Error: `: first etcdctl's words, then, where no endpoint gave an answer, a line for each that
 * says why not.
 */
export function errorText(error: ClientError): string {
  const isLate = error.code === 'timeout' || error.code === 'unreachable';
  const headline = isLate ? 'context deadline exceeded' : error.message;
  // A message over a limit of gRPC itself: etcd has no words of its own for it.
  const isTooLarge = error.code === 'unmapped' && error.status === grpcStatus.resourceExhausted;
  if (isTooLarge) return `rpc error: code = ResourceExhausted desc = ${headline}`;
  if (!isLate) return headline;
  const failures = error.failures.map(({ endpoint, reason, message }) => {
    return `  ${endpoint}: ${reason}: ${message}`;
  });
  return [headline, ...failures].join('\n');
}
