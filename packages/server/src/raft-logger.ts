import type { Logger as RaftLogger } from '@kvorum/raft';
import type { Logger } from './logging/logger.ts';

type Values = Readonly<Record<string, unknown>>;

/** etcd's names of the roles, as its log has them. */
const ROLE_NAMES: Readonly<Record<string, string>> = {
  follower: 'follower',
  preCandidate: 'pre-candidate',
  candidate: 'candidate',
  leader: 'leader',
};

/**
 * Raft's reports in the log, ids in hex. Elections are worded as etcd words them, since supervisors and test harnesses
 * wait for those lines.
 */
export function raftLogger(logger: Logger): RaftLogger {
  const log = logger.named('raft');
  return {
    debug: (text, values) => log.debug(wordingOf(text, values), inHex(values)),
    info: (text, values) => log.info(wordingOf(text, values), inHex(values)),
    warn: (text, values) => log.warn(wordingOf(text, values), inHex(values)),
  };
}

function wordingOf(text: string, values: Values): string {
  const { id, term } = values;
  if (typeof id !== 'bigint') return text;
  const hex = id.toString(16);
  if (text === 'starting an election') return `${hex} is starting a new election at term ${term}`;
  const role = ROLE_NAMES[/^became (\w+)$/.exec(text)?.[1] ?? ''];
  return role === undefined ? text : `${hex} became ${role} at term ${term}`;
}

function inHex(values: Values): Values {
  const hexOf = (value: unknown): unknown => {
    if (typeof value === 'bigint') return value.toString(16);
    return Array.isArray(value) ? value.map(hexOf) : value;
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hexOf(value)]));
}
