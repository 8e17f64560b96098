import { createHash } from 'node:crypto';
import type { ByteSource } from '../snapshot/bolt-file.ts';
import { DatabaseFileError } from '../snapshot/database-file-error.ts';
import { PROGRESS_BYTES, type Progress } from './progress.ts';

/** `snapshot save` puts a SHA-256 behind the database, whose pages are multiples of this. */
const SHA256_BYTES = 32;
const BLOCK_BYTES = 512;

/** Whether a file ends with the hash that a snapshot has and a copied database has not. */
export function hasSnapshotHash(source: ByteSource): boolean {
  return source.size() % BLOCK_BYTES === SHA256_BYTES;
}

/**
 * Compares the hash at the end of a snapshot with one of all before it. Rejects with `DatabaseFileError` "corrupt", in
 * etcdutl's words.
 */
export async function verifySnapshotHash(source: ByteSource, progress: Progress): Promise<void> {
  const end = source.size() - SHA256_BYTES;
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(PROGRESS_BYTES);
  for (let position = 0; position < end; ) {
    const got = source.read(chunk.subarray(0, Math.min(chunk.length, end - position)), position);
    if (got === 0) throw new DatabaseFileError('truncated', 'the file became shorter meanwhile');
    hash.update(chunk.subarray(0, got));
    position += got;
    await progress('verifying', position, end);
  }
  const expected = Buffer.alloc(SHA256_BYTES);
  source.read(expected, end);
  const actual = hash.digest();
  if (!actual.equals(expected)) {
    const text = `expected sha256 [${expected.join(' ')}], got [${actual.join(' ')}]`;
    throw new DatabaseFileError('corrupt', text);
  }
}
