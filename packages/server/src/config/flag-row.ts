import type { Flag, FlagGroup, FlagKind, FlagSupport } from './flag.ts';

/** What a row may set beyond the usual. */
type Options = Partial<Pick<Flag, 'fileKey' | 'choices' | 'max'>>;

/** Builds the rows of one group and one degree of support, so that a row shows only what differs. */
export function rows(group: FlagGroup, support: FlagSupport) {
  return (
    kind: FlagKind,
    name: string,
    value: string,
    help: string,
    options: Options = {},
  ): Flag => ({
    name,
    kind,
    defaultText: value,
    group,
    help,
    support,
    fileKey: options.fileKey === undefined ? name : options.fileKey,
    choices: options.choices ?? [],
    max: options.max ?? Number.MAX_SAFE_INTEGER,
  });
}
