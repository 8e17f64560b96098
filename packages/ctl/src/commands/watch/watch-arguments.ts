import { badArguments } from '../../exit-error.ts';
import { booleanFlag, type FlagValues, integerFlag } from '../../flags/flag.ts';

export const watchFlags = {
  interactive: booleanFlag('Interactive mode', false, 'i'),
  prefix: booleanFlag('Watch on a prefix if prefix is set'),
  'prev-kv': booleanFlag('get the previous key-value pair before the event happens'),
  'progress-notify': booleanFlag('get periodic watch progress notification from server'),
  rev: integerFlag('Revision to start watching'),
};

export type WatchFlags = FlagValues<typeof watchFlags>;

/** What is to be watched, and what to run for each event. */
export interface WatchArguments {
  /** Key and perhaps the end of a range. */
  readonly span: readonly string[];
  /** A program and its arguments; empty for none. */
  readonly command: readonly string[];
}

/** The variables that name a key and the end of a range in place of arguments. */
export interface WatchVariables {
  readonly key: string;
  readonly rangeEnd: string;
}

export function watchVariables(env: Readonly<Record<string, string | undefined>>): WatchVariables {
  const key = env.ETCDCTL_WATCH_KEY ?? '';
  const rangeEnd = env.ETCDCTL_WATCH_RANGE_END ?? '';
  if (key === '' && rangeEnd !== '') {
    const text = `ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END=${JSON.stringify(rangeEnd)}`;
    throw badArguments(text);
  }
  return { key, rangeEnd };
}

/**
 * Tells the key and range end from the command after `--`; `beforeDash` counts the arguments before it. Throws
 * `ExitError`.
 */
export function watchArguments(
  args: readonly string[],
  beforeDash: number | undefined,
  variables: WatchVariables,
): WatchArguments {
  const given = args.slice(0, beforeDash);
  const command = beforeDash === undefined ? [] : args.slice(beforeDash);
  if (beforeDash !== undefined && command.length === 0) {
    throw badArguments('bad number of arguments (found separator --, but no commands)');
  }
  const { key, rangeEnd } = variables;
  if (key === '') {
    if (given.length === 0) throw badArguments('bad number of arguments');
    return { span: given, command };
  }
  if (given.length > 0) {
    throw badArguments('bad number of arguments (found conflicting environment key)');
  }
  return { span: rangeEnd === '' ? [key] : [key, rangeEnd], command };
}
