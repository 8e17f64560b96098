import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ClientError } from '@kvorum/client';
import { type ExportedKey, parseExportLine } from '../../bulk/export-line.ts';
import { Importer } from '../../bulk/importer.ts';
import { textLines } from '../../bulk/text-lines.ts';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag, stringFlag } from '../../flags/flag.ts';
import { humanBytes } from '../../output/go-text.ts';
import { openProgress, withCommas } from '../../output/progress.ts';
import { defineCommand } from '../../program/command.ts';

export const importCommand = defineCommand({
  use: 'import [file] [options]',
  long: `
Puts the keys of a file that 'export' wrote, or of standard input. Keys that have the value and lease already are left
alone, so an import that broke off is simply started again. Keys that are not in the file stay as they are.

Revisions and versions of the file are not restored; a snapshot does that.`,
  flags: {
    'dry-run': booleanFlag('write nothing, say what would be done'),
    leases: stringFlag(
      'what to do with keys that had a lease: "keep" attaches them to it, "drop" makes them permanent, "skip" leaves them out',
      'keep',
    ),
  },
  run: async (invocation) => {
    const { args, flags, host } = invocation;
    if (args.length > 1) throw badArguments('import command needs at most one file');
    const withLease = leaseRule(flags.leases);
    const source = await openSource(args[0], host.stdin.bytes);
    const client = await invocation.client();
    const isDryRun = flags['dry-run'];
    const interrupted = host.interrupted();
    const callOptions = { ...invocation.callOptions(), signal: interrupted };
    const importer = new Importer(client, { isDryRun, callOptions });
    const { counts } = importer;
    const summary = () => {
      const words = isDryRun ? ['to create', 'to change'] : ['created', 'changed'];
      const { created, changed, unchanged } = counts;
      return `${withCommas(created)} ${words[0]}, ${withCommas(changed)} ${words[1]}, ${withCommas(unchanged)} unchanged`;
    };
    let skipped = 0;
    let lineNumber = 0;
    try {
      using progress = await openProgress(host, source.progress);
      let readLength = 0;
      for await (const lines of textLines(source.bytes)) {
        for (const line of lines) {
          lineNumber += 1;
          readLength += Buffer.byteLength(line) + 1;
          if (line.trim() === '') continue;
          const entry = withLease(parseExportLine(line, `${source.name}: line ${lineNumber}`));
          if (entry === undefined) skipped += 1;
          else await importer.add(entry);
        }
        progress.update(source.progress.unit === 'keys' ? lineNumber : readLength);
      }
      await importer.finish();
    } catch (error) {
      if (!(error instanceof ClientError || error instanceof ExitError)) throw error;
      if (error instanceof ExitError) await importer.finish();
      invocation.warn(`broke off: ${summary()}; to go on, start the same import again`);
      if (!(error instanceof ClientError)) throw error;
      if (error.code === 'aborted') return exitCodes.interrupted;
      if (error.code !== 'leaseNotFound') throw error;
      const advice =
        'a lease of the file is gone; --leases=drop makes its keys permanent, --leases=skip leaves them out';
      throw new ExitError(exitCodes.error, `${error.message}: ${advice}`);
    }
    const left = skipped > 0 ? `, ${withCommas(skipped)} with a lease left out` : '';
    invocation.writeLine(`${summary()}${left}`);
    return exitCodes.ok;
  },
});

/** What becomes of a key by --leases; undefined leaves it out. */
function leaseRule(text: string): (entry: ExportedKey) => ExportedKey | undefined {
  switch (text) {
    case 'keep':
      return (entry) => entry;
    case 'drop':
      return (entry) => ({ ...entry, lease: 0n });
    case 'skip':
      return (entry) => (entry.lease === 0n ? entry : undefined);
    default:
      throw badArguments(`bad value "${text}" for --leases, expecting keep, drop or skip`);
  }
}

async function openSource(path: string | undefined, stdin: AsyncIterable<Uint8Array>) {
  if (path === undefined || path === '-') {
    const progress = { unit: 'keys', total: undefined };
    return { name: 'standard input', bytes: stdin, progress };
  }
  try {
    const total = (await stat(path)).size;
    const format = (amount: number) => humanBytes(BigInt(amount));
    const progress = { unit: 'read', total, format };
    return { name: path, bytes: createReadStream(path), progress };
  } catch (error) {
    throw new ExitError(exitCodes.io, `${path} can not be read: ${(error as Error).message}`);
  }
}
