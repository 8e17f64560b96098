/** A bug in this package or in its caller. Nobody catches it: the process ends rather than lie. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * Throws `InvariantError` unless `condition` holds. `values` are printed after the text, and only then
 * formatted.
 */
export function invariant(
  condition: boolean,
  text: string,
  ...values: readonly (number | string)[]
): asserts condition {
  if (!condition)
    throw new InvariantError(values.length === 0 ? text : `${text}: ${values.join(', ')}`);
}
