import { ExitError, exitCodes } from '../exit-error.ts';

/** A line longer than any that export can write of a store with etcd's limits, in bytes. */
const longestLineBytes = 256 << 20;

/** The lines of a stream of bytes, without their ends, a chunk's worth at a time. Rejects with `ExitError` "invalidInput". */
export async function* textLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for await (const piece of bytes) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const end = chunk.lastIndexOf(0x0a);
    begunBytes += chunk.length;
    if (begunBytes > longestLineBytes) {
      throw new ExitError(exitCodes.invalidInput, 'a line is too long to be one of export');
    }
    if (end < 0) {
      begun.push(chunk);
      continue;
    }
    const whole = Buffer.concat([...begun, chunk.subarray(0, end)]);
    // Chunks may be of a buffer that is used again.
    begun = [Buffer.from(chunk.subarray(end + 1))];
    begunBytes = chunk.length - end - 1;
    yield whole.toString().split('\n');
  }
  const rest = Buffer.concat(begun).toString();
  if (rest !== '') yield [rest];
}
