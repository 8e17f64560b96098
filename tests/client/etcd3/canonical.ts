/** What a script gave or threw, as JSON can say it, so that the runs of two libraries on one server can be compared. */
export function canonical(outcome: unknown, baseRevision: bigint): unknown {
  const leases = new Map<string, string>();
  const visit = (value: unknown, name: string): unknown => {
    if (typeof value === 'string' && /revision$/.test(name)) return revision(value, baseRevision);
    if (typeof value === 'string' && /^(lease|ID|leaseId)$/.test(name) && value !== '0') {
      if (!leases.has(value)) leases.set(value, `lease ${leases.size + 1}`);
      return leases.get(value);
    }
    if (Buffer.isBuffer(value)) return `bytes ${value.toString('latin1')}`;
    if (value instanceof Error) return { error: value.constructor.name, message: value.message };
    if (Array.isArray(value)) return value.map((one) => visit(one, name));
    if (value === undefined || Number.isNaN(value)) return String(value);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, visit(one, key)]));
  };
  return visit(outcome, '');
}

/** Relative to the one before the run; those of keys that there are not stay 0. */
function revision(text: string, base: bigint): string {
  return text === '0' ? text : `base + ${BigInt(text) - base}`;
}
