import type { DescMessage, Message } from '@bufbuild/protobuf';

/** Takes lines: text, or bytes to be written as they are. */
export type LineWriter = (line: string | Uint8Array) => void;

/** One answer in the forms that --write-out chooses among; what is left out is not supported. */
export interface Rendering {
  readonly simple?: (line: LineWriter, isHex: boolean) => void;
  /** `"Name" : value` lines. */
  readonly fields?: (line: LineWriter, isHex: boolean) => void;
  /** A message of the API: what json and protobuf print, unless `json` says otherwise. */
  readonly message?: readonly [DescMessage, Message];
  readonly json?: (isHex: boolean) => string;
  readonly table?: () => { readonly head: readonly string[]; readonly rows: readonly string[][] };
}

/** The values of --write-out. */
export const outputFormats = ['fields', 'json', 'protobuf', 'simple', 'table'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export function isOutputFormat(text: string): text is OutputFormat {
  return (outputFormats as readonly string[]).includes(text);
}
