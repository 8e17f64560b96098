/**
 * A state that this package's own code makes impossible. Nobody catches it: a node that no longer knows what is true
 * must stop, or it will vote, acknowledge or apply something that is not.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * Throws `InvariantError` unless `condition` holds. `values` are printed after the text; leave them out where the
 * call is hot, because the object is built whether or not the condition holds.
 */
export function invariant(
  condition: boolean,
  text: string,
  values?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (condition) return;
  let message = text;
  for (const [name, value] of Object.entries(values ?? {})) message += ` ${name}=${String(value)}`;
  throw new InvariantError(message);
}
