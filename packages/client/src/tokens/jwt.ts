/** How long a token may be used from when it was got, in ms; undefined when it does not say. */
export function lifetimeOf(token: string, wallClockMs: number | undefined): number | undefined {
  const claims = claimsOf(token);
  const { exp, iat } = claims;
  if (typeof exp !== 'number') return undefined;
  // Where it says when it was made, the clocks of the two machines need not agree.
  if (typeof iat === 'number') return Math.max(0, (exp - iat) * 1000);
  return wallClockMs === undefined ? undefined : Math.max(0, exp * 1000 - wallClockMs);
}

interface Claims {
  /** Seconds since 1970 (RFC 7519 §4.1.4). */
  readonly exp?: unknown;
  readonly iat?: unknown;
}

/** The claims of a JSON Web Token, whose signature is the server's business; none when it is another token. */
function claimsOf(token: string): Claims {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return {};
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
