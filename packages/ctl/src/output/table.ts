import Table from 'cli-table3';

/** A table of text with lines around its cells: a centred head in capitals, and cells to the right. */
export function drawTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = head.map((title) => title.replaceAll('_', ' ').toUpperCase());
  const widths = titles.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const table = new Table({
    head: titles.map((title, at) => centred(title, widths[at] ?? 0)),
    colAligns: titles.map(() => 'right'),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push([...row]);
  // The library has no way to draw a line under the head alone.
  const [top, heading, middle, ...rest] = table.toString().split('\n');
  const body = rest.filter((_, at) => at % 2 === 0 || at === rest.length - 1);
  return [top, heading, middle, ...body].join('\n');
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return ' '.repeat(left) + text.padEnd(width - left);
}
