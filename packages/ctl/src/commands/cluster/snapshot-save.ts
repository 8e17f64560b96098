import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { RpcClient } from '@kvorum/client';
import { ClientError } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { goList } from '../../output/go-values.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';

export const save = defineCommand({
  use: 'save <filename>',
  flags: {},
  run: async (invocation) => {
    const [path, ...more] = invocation.args;
    if (path === undefined || more.length > 0) {
      throw badArguments('snapshot save expects one argument <filename>');
    }
    const { endpoints } = invocation.globals();
    if (endpoints.length !== 1) {
      const text = `snapshot must be requested to one selected node, not multiple ${goList(endpoints)}`;
      throw interrupted(text);
    }
    const client = await invocation.client();
    const isBounded = invocation.isGiven('command-timeout');
    const timeoutMs = isBounded ? (invocation.callOptions().timeoutMs ?? 0) : 0;
    const version = await saveSnapshot(client, path, timeoutMs);
    invocation.writeLine(`Snapshot saved at ${path}`);
    if (version !== '') invocation.writeLine(`Server version ${version}`);
  },
});

/** Bytes of the SHA-256 at the end of a snapshot; all else is whole pages. */
const digestSize = 32;
const pageUnit = 512;

/**
 * Saves a member's database to a file that exists, whole and synced, when this resolves: it is written under another
 * name before. Resolves with the server's version, empty for those before 3.6. Rejects with `ExitError`.
 */
async function saveSnapshot(client: RpcClient, path: string, timeoutMs: number): Promise<string> {
  const part = `${path}.part`;
  let file: FileHandle;
  try {
    await rm(part, { force: true });
    file = await open(part, 'w', 0o600);
  } catch (error) {
    throw interrupted(`could not open ${part} (${(error as Error).message})`);
  }
  try {
    const [size, version] = await receive(client, file, timeoutMs);
    if (size % pageUnit !== digestSize)
      throw interrupted(`sha256 checksum not found [bytes: ${size}]`);
    await file.sync();
    await file.close();
    await rename(part, path);
    return version;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(part, { force: true });
    if (error instanceof ExitError) throw error;
    throw interrupted(error instanceof ClientError ? errorText(error) : (error as Error).message);
  }
}

async function receive(
  client: RpcClient,
  file: FileHandle,
  timeoutMs: number,
): Promise<readonly [size: number, version: string]> {
  let size = 0;
  let version = '';
  for await (const response of client.maintenance.snapshot({}, { timeoutMs })) {
    version = response.version === '' ? version : response.version;
    await file.writeFile(response.blob);
    size += response.blob.length;
  }
  return [size, version];
}

function interrupted(text: string): ExitError {
  return new ExitError(exitCodes.interrupted, text);
}
