import type { ClientError } from '@kvorum/client';

/**
 * What is printed after `Error: `: first etcdctl's words, then, where no endpoint gave an answer, a line for each that
 * says why not.
 */
export function errorText(error: ClientError): string {
  const isLate = error.code === 'timeout' || error.code === 'unreachable';
  const headline = isLate ? 'context deadline exceeded' : error.message;
  if (!isLate) return headline;
  const failures = error.failures.map(({ endpoint, reason, message }) => {
    return `  ${endpoint}: ${reason}: ${message}`;
  });
  return [headline, ...failures].join('\n');
}
