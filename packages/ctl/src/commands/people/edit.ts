import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  CompareSchema,
  Compare_CompareTarget as CompareTarget,
  type KeyValue,
  RequestOpSchema,
} from '@kvorum/api';
import { ClientError, type RpcClient } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import type { Host } from '../../host.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';
import type { Invocation } from '../../program/invocation.ts';

export const edit = defineCommand({
  use: 'edit <key>',
  long: `
Opens the value of a key in $VISUAL, $EDITOR or vi, and stores what was saved. The key keeps its lease. A key that does not
exist begins empty.

Nothing is overwritten: when the key was changed while it was edited, nothing is stored, and the text is kept in a file.
The newline that editors put at the end is taken away where the value had none.`,
  flags: {},
  run: async (invocation) => {
    const { args, host } = invocation;
    const [name] = args;
    if (name === undefined || args.length > 1) {
      throw badArguments('edit command needs one argument as key');
    }
    const client = await invocation.client();
    const key = bytesOfText(name);
    const { kvs } = await client.kv.range({ key }, invocation.callOptions());
    const before = kvs[0];
    const oldText = textOf(before?.value ?? new Uint8Array(), name);
    // The editor gets Ctrl-C; this process stays.
    host.interrupted();
    const folder = await mkdtemp(join(tmpdir(), 'kvctl-edit-'));
    const file = join(folder, fileNameFor(name));
    let isKept = false;
    try {
      await writeFile(file, oldText, { mode: 0o600 });
      await openEditor(host, file);
      const newText = withoutAddedNewline(await readFile(file, 'utf8'), oldText);
      if (newText === oldText) {
        invocation.writeLine(before === undefined ? 'nothing to store' : 'unchanged');
        return;
      }
      isKept = true;
      await store(invocation, client, key, before, newText, file);
      isKept = false;
      invocation.writeLine('OK');
    } finally {
      if (!isKept) await rm(folder, { recursive: true, force: true });
    }
  },
});

function textOf(value: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    const text = `the value of ${name} is no text in UTF-8, which an editor would damage; use get --print-value-only and put`;
    throw new ExitError(exitCodes.badFeature, text);
  }
}

/** Its ending tells the editor the language. */
function fileNameFor(key: string): string {
  const last = key.split('/').at(-1) ?? '';
  const safe = last.replaceAll(/[^\w.-]/g, '_').slice(-100);
  return safe === '' || safe.startsWith('.') ? `value${safe}` : safe;
}

function withoutAddedNewline(text: string, before: string): string {
  return text.endsWith('\n') && !before.endsWith('\n') ? text.slice(0, -1) : text;
}

/** Resolves when the editor has ended well. Rejects with `ExitError`. */
function openEditor(host: Host, file: string): Promise<void> {
  const editor = host.env.VISUAL || host.env.EDITOR || 'vi';
  // By a shell, since the variables may hold arguments.
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], {
    stdio: 'inherit',
    env: host.env as NodeJS.ProcessEnv,
  });
  return new Promise((resolve, reject) => {
    const fail = (what: string) =>
      reject(new ExitError(exitCodes.error, `${editor} ${what}; nothing was stored`));
    child.once('error', (error) => fail(`can not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else fail(`ended with ${code === null ? signal : `exit code ${code}`}`);
    });
  });
}

/** Stores the text if the key is still as it was. Rejects with `ExitError` that says where the text is. */
async function store(
  invocation: Invocation,
  client: RpcClient,
  key: Uint8Array,
  before: KeyValue | undefined,
  text: string,
  file: string,
): Promise<void> {
  const modRevision = before?.modRevision ?? 0n;
  const name = invocation.args[0] ?? '';
  const compare = create(CompareSchema, {
    key,
    target: CompareTarget.MOD,
    targetUnion: { case: 'modRevision', value: modRevision },
  });
  const put = { key, value: bytesOfText(text), ignoreLease: before !== undefined };
  const operation = create(RequestOpSchema, { request: { case: 'requestPut', value: put } });
  const whereItIs = `your text is kept in ${file}`;
  let succeeded: boolean;
  try {
    const request = { compare: [compare], success: [operation] };
    ({ succeeded } = await client.kv.txn(request, invocation.callOptions()));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const doubt = error.mayHaveApplied ? 'it may have been stored all the same; ' : '';
    throw new ExitError(exitCodes.error, `${errorText(error)}\n${doubt}${whereItIs}`);
  }
  if (succeeded) return;
  const lines = [
    `${name} was changed while you edited it; nothing was stored, and ${whereItIs}`,
    `  to see what is there now:  etcdctl get ${shellQuoted(name)}`,
    `  to store yours over it:    etcdctl put ${shellQuoted(name)} <${file}`,
    `  to edit what is there now: etcdctl edit ${shellQuoted(name)}`,
  ];
  throw new ExitError(exitCodes.error, lines.join('\n'));
}

function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
