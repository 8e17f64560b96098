import { KeyStatistics } from '../../bulk/key-statistics.ts';
import { rangePages } from '../../bulk/range-pages.ts';
import { badArguments, exitCodes } from '../../exit-error.ts';
import { durationFlag, integerFlag, unsignedFlag } from '../../flags/flag.ts';
import { humanBytes } from '../../output/go-text.ts';
import { type Palette, paletteFor } from '../../output/palette.ts';
import { unsupported } from '../../output/print.ts';
import { openProgress, withCommas } from '../../output/progress.ts';
import { pause } from '../../pause.ts';
import { defineCommand } from '../../program/command.ts';
import type { Invocation } from '../../program/invocation.ts';
import { keySpan } from '../kv/key-span.ts';

const flags = {
  depth: integerFlag('how many parts of a key, each ended by a slash, make a prefix', 2n),
  interval: durationFlag('on a terminal, how long to wait before looking again', '5s'),
  recent: unsignedFlag('how many of the latest revisions count as recent', 1000n),
  rounds: unsignedFlag('how often to look; 0 is once in a pipe, and on a terminal until Ctrl-C'),
  rows: integerFlag('how many prefixes and keys to show', 10n),
};

export const top = defineCommand({
  use: 'top [prefix] [options]',
  long: `
Shows which prefixes take the most room, how many of their keys changed recently, and which keys are written most often.
On a terminal it looks again every few seconds, and says how fast prefixes grow.

It reads all keys and values, in constant memory; of a large store that takes a while and is work for a member.`,
  flags,
  run: async (invocation) => {
    const { args, host } = invocation;
    if (args.length > 1) throw badArguments('top command needs at most one prefix');
    const format = invocation.globals()['write-out'];
    if (format !== 'simple' && format !== 'json') throw unsupported(format);
    const { rounds, interval } = invocation.flags;
    const mayRefresh = host.stdout.isTerminal && format === 'simple';
    const last = rounds > 0n ? Number(rounds) : mayRefresh ? Number.POSITIVE_INFINITY : 1;
    const signal = host.interrupted();
    const palette = paletteFor(host.stdout, host.env);
    let before: Look | undefined;
    for (let round = 1; round <= last; round++) {
      const look = await takeLook(invocation, args[0] ?? '', signal);
      const lines = format === 'json' ? [jsonLine(look, before)] : textLines(look, before, palette);
      // From the top left corner on, and nothing below.
      const clear = mayRefresh && last > 1 ? '\x1b[H\x1b[J' : '';
      host.stdout.write(`${clear}${[...lines].join('\n')}\n`);
      before = look;
      if (round < last) await pause(invocation.host, interval, signal);
      if (signal.aborted) return exitCodes.ok;
    }
    return exitCodes.ok;
  },
});

/** The store at one moment. */
interface Look {
  readonly revision: number;
  readonly atMs: number;
  readonly statistics: KeyStatistics;
}

async function takeLook(
  invocation: Invocation<typeof flags>,
  prefix: string,
  signal: AbortSignal,
): Promise<Look> {
  const { host } = invocation;
  const { depth, rows, recent } = invocation.flags;
  const client = await invocation.client();
  const options = { ...invocation.callOptions(), signal };
  const atMs = host.now();
  const span = keySpan([prefix], { prefix: true });
  const pages = rangePages(client, span, options);
  const first = await pages.next();
  const revision = first.done === true ? 0 : first.value.revision;
  const statistics = new KeyStatistics({
    depth: Math.max(0, Number(depth)),
    rowCount: Math.max(1, Number(rows)),
    recentAfterRevision: revision - Number(recent),
  });
  using progress = await openProgress(host, {
    unit: 'keys',
    total: first.done === true ? 0 : first.value.count,
  });
  for (let page = first; page.done !== true; page = await pages.next()) {
    for (const keyValue of page.value) statistics.add(keyValue);
    progress.update(statistics.keyCount);
  }
  return { revision, atMs, statistics };
}

/** Bytes a second that a prefix grew by since the last look; undefined at the first. */
function growthOf(prefix: string, look: Look, before: Look | undefined): number | undefined {
  if (before === undefined) return undefined;
  const seconds = (look.atMs - before.atMs) / 1000;
  const size = ({ statistics }: Look) => statistics.of(prefix)?.sizeBytes ?? 0;
  return seconds > 0 ? (size(look) - size(before)) / seconds : 0;
}

function* textLines(look: Look, before: Look | undefined, palette: Palette): Generator<string> {
  const { statistics, revision } = look;
  const total = `${withCommas(statistics.keyCount)} keys, ${humanBytes(BigInt(statistics.sizeBytes))}`;
  yield `${total}, revision ${revision}`;
  yield '';
  const head = ['SIZE', 'KEYS', 'RECENT', ...(before === undefined ? [] : ['GROWTH']), 'PREFIX'];
  yield* columns(
    head,
    statistics.largest().map(({ prefix, sizeBytes, keyCount, recentCount }) => {
      const growth = growthOf(prefix, look, before);
      const grown = growth === undefined ? [] : [growthText(growth)];
      const counts = [keyCount, recentCount].map(withCommas);
      return [humanBytes(BigInt(sizeBytes)), ...counts, ...grown, printable(prefix)];
    }),
    palette,
  );
  yield '';
  yield* columns(
    ['VERSION', 'SIZE', 'KEY'],
    statistics.mostRevised().map(({ key, version, sizeBytes }) => {
      return [withCommas(version), humanBytes(BigInt(sizeBytes)), printable(key)];
    }),
    palette,
  );
}

/** Rows whose last column is text; the others are numbers, to the right. */
function* columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette,
): Generator<string> {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  yield palette.heading(lineOf(head));
  for (const row of rows) yield lineOf(row);
}

function growthText(bytesPerSecond: number): string {
  const size = humanBytes(BigInt(Math.round(Math.abs(bytesPerSecond))));
  return `${bytesPerSecond < 0 ? '-' : '+'}${size}/s`;
}

/** A key on one line, whatever it is made of. */
function printable(text: string): string {
  return /[\p{C}]/u.test(text) ? JSON.stringify(text) : text;
}

function jsonLine(look: Look, before: Look | undefined): string {
  const { statistics, revision } = look;
  return JSON.stringify({
    revision,
    keys: statistics.keyCount,
    sizeBytes: statistics.sizeBytes,
    prefixes: statistics.largest().map((row) => ({
      ...row,
      growthBytesPerSecond: growthOf(row.prefix, look, before),
    })),
    mostRevised: statistics.mostRevised(),
  });
}
