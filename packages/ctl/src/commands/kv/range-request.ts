import { create } from '@bufbuild/protobuf';
import {
  type RangeRequest,
  RangeRequestSchema,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from '@kvorum/api';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag, type FlagValues, integerFlag, stringFlag } from '../../flags/flag.ts';
import { keySpan, refuseBoth } from './key-span.ts';

export const getFlags = {
  consistency: stringFlag('Linearizable(l) or Serializable(s)', 'l'),
  'count-only': booleanFlag('Get only the count'),
  'from-key': booleanFlag(
    'Get keys that are greater than or equal to the given key using byte compare',
  ),
  'keys-only': booleanFlag('Get only the keys'),
  limit: integerFlag('Maximum number of results'),
  'max-create-rev': integerFlag('Maximum create revision'),
  'max-mod-rev': integerFlag('Maximum modification revision'),
  'min-create-rev': integerFlag('Minimum create revision'),
  'min-mod-rev': integerFlag('Minimum modification revision'),
  order: stringFlag('Order of results; ASCEND or DESCEND (ASCEND by default)'),
  prefix: booleanFlag('Get keys with matching prefix'),
  'print-value-only': booleanFlag('Only write values when using the "simple" output format'),
  rev: integerFlag('Specify the kv revision'),
  'sort-by': stringFlag('Sort target; CREATE, KEY, MODIFY, VALUE, or VERSION'),
  stream: booleanFlag('Use the RangeStream RPC'),
};

/** What `get` asks for. Throws `ExitError`. */
export function rangeRequest(
  args: readonly string[],
  flags: FlagValues<typeof getFlags>,
): RangeRequest {
  if (args.length === 0) {
    throw badArguments(
      'get command needs one argument as key and an optional argument as range_end',
    );
  }
  refuseBoth(flags);
  if (flags['keys-only'] && flags['count-only']) {
    const text = '`--keys-only` and `--count-only` cannot be set at the same time, choose one';
    throw badArguments(text);
  }
  const serializable = isSerializable(flags.consistency);
  const span = keySpan(args, flags);
  const sortOrder = sortOrderOf(flags.order);
  const sortTarget = sortTargetOf(flags['sort-by']);
  const [minCreate, maxCreate] = bounds(
    'CreateRev',
    flags['min-create-rev'],
    flags['max-create-rev'],
  );
  const [minMod, maxMod] = bounds('ModRev', flags['min-mod-rev'], flags['max-mod-rev']);
  return create(RangeRequestSchema, {
    ...span,
    serializable,
    limit: flags.limit,
    revision: flags.rev > 0n ? flags.rev : 0n,
    // The order of keys is what the server gives anyway.
    sortOrder:
      sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND ? SortOrder.NONE : sortOrder,
    sortTarget,
    keysOnly: flags['keys-only'],
    countOnly: flags['count-only'],
    minCreateRevision: minCreate,
    maxCreateRevision: maxCreate,
    minModRevision: minMod,
    maxModRevision: maxMod,
  });
}

/** Whether `s` was asked for, not `l`. Throws `ExitError` for anything else. */
export function isSerializable(consistency: string): boolean {
  if (consistency === 's') return true;
  if (consistency === 'l') return false;
  throw badFeature(`unknown consistency flag "${consistency}"`);
}

function sortOrderOf(text: string): SortOrder {
  const orders: Readonly<Record<string, SortOrder>> = {
    '': SortOrder.NONE,
    ASCEND: SortOrder.ASCEND,
    DESCEND: SortOrder.DESCEND,
  };
  const order = orders[text.toUpperCase()];
  if (order === undefined) throw badFeature(`bad sort order ${text}`);
  return order;
}

function sortTargetOf(text: string): SortTarget {
  const targets: Readonly<Record<string, SortTarget>> = {
    '': SortTarget.KEY,
    CREATE: SortTarget.CREATE,
    KEY: SortTarget.KEY,
    MODIFY: SortTarget.MOD,
    VALUE: SortTarget.VALUE,
    VERSION: SortTarget.VERSION,
  };
  const target = targets[text.toUpperCase()];
  if (target === undefined) throw badFeature(`bad sort target ${text}`);
  return target;
}

function bounds(name: string, min: bigint, max: bigint): readonly [bigint, bigint] {
  if (max > 0n && min > max) throw badFeature(`getMin${name}(=${min}) > getMax${name}(=${max})`);
  return [min > 0n ? min : 0n, max > 0n ? max : 0n];
}

function badFeature(text: string): ExitError {
  return new ExitError(exitCodes.badFeature, text);
}
