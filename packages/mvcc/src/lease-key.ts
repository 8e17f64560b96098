import type { Engine } from './engine.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';

/** Bytes of a lease id at the head of a row's key. */
export const LEASE_ID_SIZE = 8;

/** A lease id as eight bytes, big-endian. */
export function leaseIdBytes(lease: bigint): Uint8Array {
  const bytes = new Uint8Array(LEASE_ID_SIZE);
  new DataView(bytes.buffer).setBigInt64(0, lease);
  return bytes;
}

/** Key of the row of `leasekeys` that attaches a key to a lease. */
export function leaseKeyOf(lease: bigint, keyText: string): Uint8Array {
  const bytes = new Uint8Array(LEASE_ID_SIZE + keyText.length);
  bytes.set(leaseIdBytes(lease));
  bytes.set(keyBytesOf(keyText), LEASE_ID_SIZE);
  return bytes;
}

/** Latin1 texts of the keys that the committed state attaches to a lease, in byte order. */
export function attachedKeys(engine: Engine, lease: bigint): string[] {
  const prefix = leaseIdBytes(lease);
  const lt = lease === -1n ? undefined : leaseIdBytes(BigInt.asIntN(64, lease + 1n));
  const scan = engine.scan('leasekeys', { gte: prefix, lt, keysOnly: true });
  const keyTexts: string[] = [];
  for (let page = scan.next(512); page.length > 0; page = scan.next(512)) {
    for (let i = 0; i < page.length; i += 2) {
      const key = page[i];
      if (key !== undefined) keyTexts.push(keyTextOf(key.subarray(LEASE_ID_SIZE)));
    }
  }
  scan.close();
  return keyTexts;
}
