import { toBinary } from '@bufbuild/protobuf';
import { ExitError, exitCodes } from '../exit-error.ts';
import type { Output } from '../host.ts';
import { goJson } from './go-json.ts';
import { LineBuffer } from './line-buffer.ts';
import type { OutputFormat, Rendering } from './rendering.ts';

/** Writes an answer in one format. Rejects with `ExitError` when it has no such form. */
export async function print(
  out: Output,
  format: OutputFormat,
  isHex: boolean,
  rendering: Rendering,
): Promise<void> {
  const { simple, fields, message, table } = rendering;
  const lines = new LineBuffer();
  const line = lines.write;
  if (format === 'simple' && simple !== undefined) simple(line, isHex);
  else if (format === 'fields' && fields !== undefined) fields(line, isHex);
  else if (format === 'json' && rendering.json !== undefined) line(rendering.json(isHex));
  else if (format === 'json' && message !== undefined) line(goJson(...message));
  else if (format === 'protobuf' && message !== undefined) out.write(toBinary(...message));
  else if (format === 'table' && table !== undefined) {
    const { drawTable } = await import('./table.ts');
    const { head, rows } = table();
    line(drawTable(head, rows));
  } else {
    throw unsupported(format);
  }
  lines.flushTo(out);
}

export function unsupported(format: string): ExitError {
  return new ExitError(exitCodes.badFeature, `${format} not supported as output format`);
}
