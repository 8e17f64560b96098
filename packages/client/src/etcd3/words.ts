/** Throws for a word that is not one of those that `map` knows. */
export function assertWithin(map: object, word: string, what: string): void {
  if (Object.hasOwn(map, word)) return;
  const words = Object.keys(map).join('" "');
  throw new Error(`Unexpected "${word}" in ${what}. Possible values are: "${words}"`);
}
