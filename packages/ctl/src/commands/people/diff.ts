import type { CallOptions, RpcClient } from '@kvorum/client';
import { textField, valueFields } from '../../bulk/export-line.ts';
import { type KeyChange, rangeDiff } from '../../bulk/range-diff.ts';
import type { PageKeyValue } from '../../bulk/range-page.ts';
import { rangePages } from '../../bulk/range-pages.ts';
import { badArguments, exitCodes } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import { LineBuffer } from '../../output/line-buffer.ts';
import { type Palette, paletteFor } from '../../output/palette.ts';
import { unsupported } from '../../output/print.ts';
import { withCommas } from '../../output/progress.ts';
import { shownBriefly, shownBytes } from '../../output/shown-bytes.ts';
import { defineCommand } from '../../program/command.ts';
import { type KeySpan, keySpan } from '../kv/key-span.ts';

/** Characters of a value on a terminal. */
const shownLength = 200;
/** Lines that are written together. */
const chunkLines = 1000;

export const diff = defineCommand({
  use: 'diff <revision> [other revision] [prefix] [options]',
  long: `
Shows which keys were added (+), changed (~) and removed (-) between two revisions, the second of which is the present one
unless it is given; 0 stands for it too. Both must not be compacted yet.

With --write-out=json each key is one line of JSON.`,
  flags: {
    'exit-code': booleanFlag('end with exit code 1 when anything differs'),
    'keys-only': booleanFlag('leave out the values'),
  },
  run: async (invocation) => {
    const { host, flags } = invocation;
    const [from, to, span] = parseArguments(invocation.args);
    const format = invocation.globals()['write-out'];
    if (format !== 'simple' && format !== 'json') throw unsupported(format);
    const client = await invocation.client();
    const options = { ...invocation.callOptions(), signal: host.interrupted() };
    const end = to === 0n ? await presentRevision(client, options) : to;
    const pagesAt = (revision: bigint) => rangePages(client, { ...span, revision }, options);
    const palette = paletteFor(host.stdout, host.env);
    const lineOf =
      format === 'json'
        ? (change: KeyChange) => jsonLine(change, flags['keys-only'])
        : (change: KeyChange) => textLine(change, palette, flags['keys-only']);
    const counts = { added: 0, changed: 0, removed: 0 };
    const lines = new LineBuffer();
    let waiting = 0;
    for await (const change of rangeDiff(pagesAt(from), pagesAt(end))) {
      counts[change.change] += 1;
      lines.write(lineOf(change));
      waiting += 1;
      if (waiting < chunkLines) continue;
      lines.flushTo(host.stdout);
      waiting = 0;
      await host.stdout.drained();
    }
    lines.flushTo(host.stdout);
    const { added, changed, removed } = counts;
    if (host.stderr.isTerminal) {
      const [plus, tilde, minus] = [added, changed, removed].map(withCommas);
      invocation.warn(
        `${plus} added, ${tilde} changed, ${minus} removed from revision ${from} to ${end}`,
      );
    }
    const isDifferent = added + changed + removed > 0;
    return isDifferent && flags['exit-code'] ? exitCodes.error : exitCodes.ok;
  },
});

function parseArguments(args: readonly string[]): readonly [bigint, bigint, KeySpan] {
  const [first = '', ...rest] = args;
  const isRevision = (text: string | undefined) => /^\d{1,18}$/.test(text ?? '');
  if (!isRevision(first) || first === '0') {
    throw badArguments('diff command needs a revision as its first argument');
  }
  const to = isRevision(rest[0]) ? BigInt(rest.shift() ?? '') : 0n;
  if (rest.length > 1) {
    throw badArguments('diff command needs at most two revisions and a prefix');
  }
  return [BigInt(first), to, keySpan([rest[0] ?? ''], { prefix: true })];
}

async function presentRevision(client: RpcClient, options: CallOptions): Promise<bigint> {
  const { header } = await client.kv.range({ key: Uint8Array.of(0), countOnly: true }, options);
  return header?.revision ?? 0n;
}

function textLine({ change, before, after }: KeyChange, palette: Palette, isKeyOnly: boolean) {
  const shown = ({ value }: PageKeyValue) =>
    palette.isColoured ? shownBriefly(value, shownLength) : shownBytes(value);
  const key = shownBytes((after ?? before).key);
  const values = [before, after].filter((one) => one !== undefined).map(shown);
  const text = isKeyOnly ? key : `${key} ${values.join(' -> ')}`;
  if (change === 'added') return palette.good(`+ ${text}`);
  if (change === 'removed') return palette.bad(`- ${text}`);
  return palette.warning(`~ ${text}`);
}

function jsonLine({ change, before, after }: KeyChange, isKeyOnly: boolean): string {
  const side = (keyValue: PageKeyValue | undefined) =>
    keyValue === undefined ? undefined : valueFields(keyValue, isKeyOnly);
  const { key } = after ?? before;
  return JSON.stringify({
    change,
    ...textField('key', key),
    before: side(before),
    after: side(after),
  });
}
