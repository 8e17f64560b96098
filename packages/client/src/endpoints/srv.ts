/** One answer of DNS about where a service runs. */
export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  /** Those with the smallest number come first. Default 0. */
  readonly priority?: number;
  /** The share of the work among those of one priority. Default 0. */
  readonly weight?: number;
}

/** The SRV records of a name, the preferred one first. Rejects with an error that has a `code` of `node:dns`. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;

/** What became of one lookup: records, at least one of them, or why there are none. */
export type SrvLookup =
  | { readonly records: readonly SrvRecord[] }
  | { readonly records: undefined; readonly message: string };

/** Looks up the SRV records of a name, such as `_etcd-server._tcp.example.com`. Never rejects. */
export async function lookUpSrv(resolveSrv: ResolveSrv, name: string): Promise<SrvLookup> {
  let records: readonly SrvRecord[];
  try {
    records = await resolveSrv(name);
  } catch (error) {
    const why = reasonOf(error as Error & { readonly code?: unknown });
    return { records: undefined, message: `lookup ${name}: ${why}` };
  }
  if (records.length > 0) return { records };
  return { records: undefined, message: `lookup ${name}: ${noSuchHost}` };
}

/** The URL that a record stands for; the dot behind a full name is not part of it. */
export function urlOfSrv(scheme: 'http' | 'https', { target, port }: SrvRecord): string {
  const isAddress6 = target.includes(':');
  const name = target.replace(/\.$/, '');
  return `${scheme}://${isAddress6 ? `[${name}]` : name}:${port}`;
}

const noSuchHost = 'no such host';

function reasonOf({
  code,
  message,
}: {
  readonly code?: unknown;
  readonly message: string;
}): string {
  if (code === 'ENOTFOUND' || code === 'ENODATA') return noSuchHost;
  if (code === 'ETIMEOUT') return 'the DNS server gave no answer in time';
  if (code === 'ECONNREFUSED') return 'there is no DNS server';
  return message;
}
