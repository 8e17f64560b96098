import { json, type KeyValue } from '@kvorum/client';

/** Whether an instance can do its work, by its own account. */
export type Health = 'serving' | 'notServing';

/** What is registered. */
export interface InstanceInit {
  /** Unique within the service. Default: a random one. */
  readonly id?: string;
  /** Where it is reached, such as `10.0.0.1:8080`. */
  readonly address: string;
  /** Anything that JSON can say. */
  readonly metadata?: unknown;
  /** Default: `serving`. */
  readonly health?: Health;
}

/** An instance that was found. */
export interface Instance {
  readonly id: string;
  readonly address: string;
  readonly metadata: unknown;
  readonly health: Health;
  /** The revision of its registration: another one when it went and came again. */
  readonly revision: bigint;
}

/** In the names of etcd's Go client, which knows no health. */
interface Endpoint {
  readonly Op: 0;
  readonly Addr: string;
  readonly Metadata: unknown;
  readonly Health?: Health;
}

export function instanceValue({ address, metadata, health = 'serving' }: InstanceInit): Uint8Array {
  const endpoint: Endpoint = { Op: 0, Addr: address, Metadata: metadata ?? null, Health: health };
  return json(endpoint);
}

/** Undefined for what somebody else has put there. */
export function readInstance(entry: KeyValue, prefix: string): Instance | undefined {
  try {
    const endpoint = entry.json<Partial<Endpoint> | null>();
    if (typeof endpoint?.Addr !== 'string') return undefined;
    return {
      id: entry.keyString().slice(prefix.length),
      address: endpoint.Addr,
      metadata: endpoint.Metadata ?? undefined,
      health: endpoint.Health === 'notServing' ? 'notServing' : 'serving',
      revision: entry.createRevision,
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
