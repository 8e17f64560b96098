import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Compare_CompareResult as CompareResult,
  type CompareSchema,
  Compare_CompareTarget as CompareTarget,
} from '@kvorum/api';
import { type Bytes, toBytes } from '../encoding.ts';
import type { Keys, Keyspace } from '../keyspace.ts';
import type { LeaseLike } from './write.ts';

/** How what is there is compared with what is given. */
export type Comparison = '=' | '!=' | '<' | '>';

/** A condition as the server gets it. */
export type CompareMessage = MessageInitShape<typeof CompareSchema>;

/** A condition of a transaction. Made by the functions of `compare`. */
export interface Compare {
  /** As the server gets it. */
  toMessage(keyspace: Keyspace): CompareMessage;
}

const results: Readonly<Record<Comparison, CompareResult>> = {
  '=': CompareResult.EQUAL,
  '!=': CompareResult.NOT_EQUAL,
  '<': CompareResult.LESS,
  '>': CompareResult.GREATER,
};

type Target = Required<Pick<CompareMessage, 'target' | 'targetUnion'>>;

function condition(keys: Keys, comparison: Comparison, target: Target): Compare {
  const result = results[comparison];
  return { toMessage: (keyspace) => ({ ...keyspace.span(keys), result, ...target }) };
}

function modRevision(keys: Keys, comparison: Comparison, revision: bigint): Compare {
  const targetUnion = { case: 'modRevision', value: revision } as const;
  return condition(keys, comparison, { target: CompareTarget.MOD, targetUnion });
}

function createRevision(keys: Keys, comparison: Comparison, revision: bigint): Compare {
  const targetUnion = { case: 'createRevision', value: revision } as const;
  return condition(keys, comparison, { target: CompareTarget.CREATE, targetUnion });
}

/**
 * Conditions of a transaction. Each holds for a key, or for all keys of a range that exist. A key that does not exist
 * has revisions, version and lease of 0n, and no value: then no condition on `value` holds.
 */
export const compare = {
  /** Compares the value, in the order of bytes. */
  value(keys: Keys, comparison: Comparison, value: Bytes): Compare {
    const targetUnion = { case: 'value', value: toBytes(value) } as const;
    return condition(keys, comparison, { target: CompareTarget.VALUE, targetUnion });
  },

  /** Compares how often the key was written since it was created. */
  version(keys: Keys, comparison: Comparison, version: bigint): Compare {
    const targetUnion = { case: 'version', value: version } as const;
    return condition(keys, comparison, { target: CompareTarget.VERSION, targetUnion });
  },

  /** Compares the revision that wrote the value. */
  modRevision,

  /** Compares the revision that created the key. */
  createRevision,

  /** Compares the lease that the key is attached to. */
  lease(keys: Keys, comparison: Comparison, lease: LeaseLike): Compare {
    const value = typeof lease === 'bigint' ? lease : lease.id;
    const targetUnion = { case: 'lease', value } as const;
    return condition(keys, comparison, { target: CompareTarget.LEASE, targetUnion });
  },

  /** There is such a key. */
  exists(key: Bytes): Compare {
    return createRevision(key, '!=', 0n);
  },

  /** There is no such key. */
  missing(key: Bytes): Compare {
    return createRevision(key, '=', 0n);
  },
} as const;
