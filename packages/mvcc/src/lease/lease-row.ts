import { MvccError } from '../errors.ts';
import { LEASE_ID_SIZE } from '../lease-key.ts';
import { readUint64, writeUint64 } from '../revision-row.ts';
import { Lease } from './lease.ts';

/** A row of the column `leases`: id (8, BE) → ttlSeconds (8, BE), remainingSeconds (8, BE). */
const LEASE_ROW_SIZE = 16;

/** The value of a lease's row. */
export function encodeLease(lease: Lease): Uint8Array {
  const row = new Uint8Array(LEASE_ROW_SIZE);
  writeUint64(row, 0, lease.ttlSeconds);
  writeUint64(row, 8, lease.remainingSeconds);
  return row;
}

/** Reads a row back. Throws `MvccError` "corrupt" when it has another size. */
export function decodeLease(key: Uint8Array, row: Uint8Array): Lease {
  if (key.length !== LEASE_ID_SIZE || row.length !== LEASE_ROW_SIZE) {
    throw new MvccError('corrupt', 'a row of leases has a wrong size');
  }
  const id = new DataView(key.buffer, key.byteOffset, key.byteLength).getBigInt64(0);
  return new Lease(id, readUint64(row, 0), readUint64(row, 8));
}
