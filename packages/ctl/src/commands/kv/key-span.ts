import { openEnd, prefixEnd } from '@kvorum/client';
import { badArguments } from '../../exit-error.ts';
import { bytesOfText } from '../../output/byte-text.ts';

/** The keys that arguments name: one, or [key, rangeEnd). */
export interface KeySpan {
  readonly key: Uint8Array;
  /** Empty for one key. */
  readonly rangeEnd: Uint8Array;
}

/** What the flags of get, del and watch say about the span. */
export interface SpanFlags {
  readonly prefix: boolean;
  readonly 'from-key'?: boolean;
}

/** The span of `<key> [range_end]` with --prefix or --from-key. Throws `ExitError`. */
export function keySpan(args: readonly string[], flags: SpanFlags): KeySpan {
  const [text = '', endText] = args;
  const isFromKey = flags['from-key'] === true;
  if (endText !== undefined && (flags.prefix || isFromKey)) {
    const text =
      'too many arguments, only accept one argument when `--prefix` or `--from-key` is set';
    throw badArguments(text);
  }
  const key = bytesOfText(text);
  if (flags.prefix || isFromKey) {
    if (text === '') return { key: Uint8Array.of(0), rangeEnd: openEnd };
    return { key, rangeEnd: isFromKey ? openEnd : prefixEnd(key) };
  }
  return { key, rangeEnd: bytesOfText(endText ?? '') };
}

/** Throws `ExitError` when both are set. */
export function refuseBoth(flags: SpanFlags): void {
  if (flags.prefix && flags['from-key'] === true) {
    throw badArguments('`--prefix` and `--from-key` cannot be set at the same time, choose one');
  }
}
