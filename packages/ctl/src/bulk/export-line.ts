import { ExitError, exitCodes } from '../exit-error.ts';
import type { PageKeyValue } from './range-page.ts';

/** A key as one line of an export has it. */
export interface ExportedKey {
  readonly key: Buffer;
  readonly value: Buffer;
  /** 0n: none. */
  readonly lease: bigint;
}

/**
 * One line of an export, without its end:
 *
 *     {"key":"a","value":"b","create_revision":2,"mod_revision":5,"version":3,"lease":"694d77aa9e38260f"}
 *
 * What is no UTF-8 is in base64, under `key_base64` or `value_base64`. A lease is in hexadecimal, as everywhere else in
 * kvctl, and left out when there is none.
 */
export function exportLine(keyValue: PageKeyValue): string {
  return JSON.stringify({ ...textField('key', keyValue.key), ...valueFields(keyValue) });
}

/** All of a line but the key; without the value if that is not wanted. */
export function valueFields(
  keyValue: PageKeyValue,
  isWithoutValue = false,
): Readonly<Record<string, string | number>> {
  const { createRevision, modRevision, version, lease, value } = keyValue;
  return {
    ...(isWithoutValue ? {} : textField('value', value)),
    create_revision: createRevision,
    mod_revision: modRevision,
    version,
    ...(lease === 0n ? {} : { lease: BigInt.asUintN(64, lease).toString(16) }),
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as a field of JSON: under its name, or in base64 under `name_base64` where they are no UTF-8. */
export function textField(name: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  try {
    return { [name]: decoder.decode(bytes) };
  } catch {
    return { [`${name}_base64`]: Buffer.from(bytes).toString('base64') };
  }
}

/**
 * Reads a line of an export, or of anything that has `key` and `value`. Throws `ExitError` that says what is wrong with
 * the line that `where` names.
 */
export function parseExportLine(line: string, where: string): ExportedKey {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw malformed(where, 'it is no JSON, or not all of it');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw malformed(where, 'it is no JSON object');
  }
  const fields = parsed as Readonly<Record<string, unknown>>;
  const key = bytesOf(fields, 'key', where);
  if (key.length === 0) throw malformed(where, 'its key is empty');
  return { key, value: bytesOf(fields, 'value', where), lease: leaseOf(fields, where) };
}

function bytesOf(fields: Readonly<Record<string, unknown>>, name: string, where: string): Buffer {
  const { [name]: text, [`${name}_base64`]: base64 } = fields;
  if (text !== undefined && base64 !== undefined) {
    throw malformed(where, `it has both "${name}" and "${name}_base64"`);
  }
  if (typeof text === 'string') return Buffer.from(text);
  if (typeof base64 === 'string') {
    const bytes = Buffer.from(base64, 'base64');
    // Node reads past what is no base64.
    if (bytes.toString('base64') === base64) return bytes;
    throw malformed(where, `its "${name}_base64" is no base64`);
  }
  throw malformed(where, `it has no "${name}" or "${name}_base64" that is a string`);
}

function leaseOf({ lease }: Readonly<Record<string, unknown>>, where: string): bigint {
  if (lease === undefined) return 0n;
  if (typeof lease === 'string' && /^[0-9a-f]{1,16}$/i.test(lease)) {
    return BigInt.asIntN(64, BigInt(`0x${lease}`));
  }
  throw malformed(where, 'its "lease" is no lease id in hexadecimal');
}

function malformed(where: string, reason: string): ExitError {
  return new ExitError(exitCodes.invalidInput, `${where} is not what export writes: ${reason}`);
}
