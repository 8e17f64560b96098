/** Thrown when the program contradicts itself. Nobody catches it: the process dies rather than lie. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * States a fact that holds unless there is a bug.
 *
 * @param values shown with the text on failure; never formatted otherwise.
 */
export function invariant(
  condition: boolean,
  text: string,
  values?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (condition) return;
  const shown = values === undefined ? '' : ` ${describe(values)}`;
  throw new InvariantError(`${text}${shown}`);
}

function describe(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}
