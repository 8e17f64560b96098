/** A mistake that is put into the members of this process, to see that the simulation notices it. */
export interface SeededBug {
  readonly name: string;
  /** A seed that notices it; the first to try. */
  readonly caughtBy: number;
  /** Puts it in; the returned function takes it out again. */
  install(): () => void;
}

/** Replaces a method, or a static one, by one made of it; the returned function puts it back. */
export function replace<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (original: Target[Name]) => Target[Name],
): () => void {
  const original = target[name];
  target[name] = make(original);
  return () => {
    target[name] = original;
  };
}

/** Several as one. */
export function all(...restores: (() => void)[]): () => void {
  return () => {
    for (const restore of restores) restore();
  };
}
