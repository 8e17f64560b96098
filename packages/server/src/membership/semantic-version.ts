/** The oldest version of a cluster that a member can be part of: that of the first etcd with this API. */
export const MIN_CLUSTER_VERSION = '3.0.0';

/** Whether a text is a version such as `3.7.1`, perhaps with more behind it. */
export function isVersion(text: string): boolean {
  return partsOf(text) !== undefined;
}

/** Whether a version is not older than another one; false too when one of them is no version. */
export function isAtLeast(version: string, oldest: string): boolean {
  const one = partsOf(version);
  const other = partsOf(oldest);
  if (one === undefined || other === undefined) return false;
  const i = one.findIndex((part, at) => part !== other[at]);
  return i < 0 || (one[i] ?? 0) > (other[i] ?? 0);
}

/** Major and minor number of `3.6` or of a version, as `3.6`; undefined when the text is neither. */
export function minorVersionOf(text: string): string | undefined {
  const parts = partsOf(text) ?? partsOf(`${text}.0`);
  return parts && `${parts[0]}.${parts[1]}`;
}

function partsOf(version: string): number[] | undefined {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)(?:[-+].*)?$/.exec(version) ?? [];
  return parts.length === 0 ? undefined : parts.map(Number);
}
