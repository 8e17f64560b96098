import { create } from '@bufbuild/protobuf';
import { type PutRequest, PutRequestSchema } from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { booleanFlag, type FlagValues, stringFlag } from '../../flags/flag.ts';
import { parseHexInt64 } from '../../flags/go-number.ts';
import type { Input } from '../../host.ts';
import { bytesOfText } from '../../output/byte-text.ts';

export const putFlags = {
  'ignore-lease': booleanFlag('updates the key using its current lease'),
  'ignore-value': booleanFlag('updates the key using its current value'),
  lease: stringFlag('lease ID (in hexadecimal) to attach to the key', '0'),
  'prev-kv': booleanFlag('return the previous key-value pair before modification'),
};

const usage = 'put command needs 1 argument and input from stdin or 2 arguments';

/** What `put` asks for; reads the value from standard input when it is no argument. Rejects with `ExitError`. */
export async function putRequest(
  args: readonly string[],
  flags: FlagValues<typeof putFlags>,
  stdin: Input,
): Promise<PutRequest> {
  const [key, valueText] = args;
  if (key === undefined) throw badArguments(usage);
  const ignoreValue = flags['ignore-value'];
  if (ignoreValue && valueText !== undefined) {
    throw badArguments("put command needs only 1 argument when 'ignore-value' is set");
  }
  let value: Uint8Array = bytesOfText(valueText ?? '');
  if (!ignoreValue && valueText === undefined) {
    value = await readAll(stdin);
    if (value.length === 0) throw badArguments(usage);
  }
  return create(PutRequestSchema, {
    key: bytesOfText(key),
    value,
    lease: leaseIdOf(flags.lease),
    prevKv: flags['prev-kv'],
    ignoreValue,
    ignoreLease: flags['ignore-lease'],
  });
}

/** A lease id of the command line. Throws `ExitError`. */
export function leaseIdOf(text: string): bigint {
  try {
    return parseHexInt64(text);
  } catch (error) {
    throw badArguments(`bad lease ID (${(error as Error).message}), expecting ID in Hex`);
  }
}

/** All of standard input. */
async function readAll(stdin: Input): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stdin.bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}
