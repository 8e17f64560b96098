import type { RpcClient } from '@kvorum/client';
import { prefixEnd } from '@kvorum/client';
import { readPage } from '../bulk/range-pages.ts';
import { parseFlags } from '../flags/parse-flags.ts';
import type { Host } from '../host.ts';
import type { Candidate } from './candidates.ts';
import type { CommandEntry, Program } from './command.ts';
import { findCommand } from './find-command.ts';
import { RunningCommand } from './running-command.ts';

/** Nobody waits longer than this for a shell to complete a word. */
const patienceMs = 1000;
/** Names that a shell is given at most. */
const mostCandidates = 100;

type Kind = 'key' | 'lease' | 'member' | 'role' | 'user';

/** What the arguments of commands are, in order; the last one stands for all that follow. */
const argumentKinds: Readonly<Record<string, readonly Kind[]>> = {
  del: ['key'],
  edit: ['key'],
  elect: ['key'],
  export: ['key'],
  get: ['key'],
  lock: ['key'],
  put: ['key'],
  watch: ['key'],
  'lease keep-alive': ['lease'],
  'lease revoke': ['lease'],
  'lease timetolive': ['lease'],
  'member promote': ['member'],
  'member remove': ['member'],
  'member update': ['member'],
  'move-leader': ['member'],
  'role delete': ['role'],
  'role get': ['role'],
  'role grant-permission': ['role'],
  'role revoke-permission': ['role'],
  'user delete': ['user'],
  'user get': ['user'],
  'user grant-role': ['user', 'role'],
  'user passwd': ['user'],
  'user revoke-role': ['user', 'role'],
};

/**
 * What can stand in the place of the last word, of what the cluster has: keys up to their next slash, members, users,
 * roles, leases. None when the cluster does not answer at once: a shell that completes is no place for errors.
 */
export async function liveCandidates(
  program: Program,
  host: Host,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? '';
  const { path, args } = findCommand(program, words.slice(0, -1));
  const silentHost: Host = {
    ...host,
    stdin: { ...host.stdin, isTerminal: false },
    stderr: { ...host.stderr, write: () => {} },
  };
  let callOff = () => {};
  const isLate = new Promise<readonly Candidate[]>((resolve) => {
    callOff = host.after(patienceMs, () => resolve([]));
  });
  const asked = ask(program, silentHost, path, args, typed).catch(() => []);
  try {
    return await Promise.race([asked, isLate]);
  } finally {
    callOff();
  }
}

async function ask(
  program: Program,
  host: Host,
  path: readonly CommandEntry[],
  args: readonly string[],
  typed: string,
): Promise<readonly Candidate[]> {
  const command = await path.at(-1)?.load?.();
  const kinds = argumentKinds[path.map(({ name }) => name).join(' ')];
  if (command === undefined || kinds === undefined) return [];
  const parsed = parseFlags(args, { ...program.globalFlags, ...command.flags });
  const kind = kinds[parsed.positional.length];
  if (kind === undefined) return [];
  using running = new RunningCommand(host, program, command, parsed);
  const client = await running.client();
  const candidates = await readers[kind](client, typed);
  return candidates.filter(({ word }) => word.startsWith(typed) && isPlain(word));
}

/** Shells take words apart at other characters, each in a way of its own. */
function isPlain(word: string): boolean {
  return /^[\p{L}\p{N}_./@%+,:=-]+$/u.test(word);
}

const options = { timeoutMs: patienceMs };

const readers: Readonly<
  Record<Kind, (client: RpcClient, typed: string) => Promise<readonly Candidate[]>>
> = {
  key: keys,
  member: async (client) => {
    const { members } = await client.cluster.memberList({ linearizable: false }, options);
    return members.map(({ ID, name }) => ({ word: ID.toString(16), meaning: name }));
  },
  user: async (client) => plain((await client.auth.userList({}, options)).users),
  role: async (client) => plain((await client.auth.roleList({}, options)).roles),
  lease: async (client) => {
    const { leases } = await client.lease.leaseLeases({}, options);
    return plain(leases.slice(0, mostCandidates).map(({ ID }) => ID.toString(16)));
  },
};

function plain(words: readonly string[]): readonly Candidate[] {
  return words.map((word) => ({ word, meaning: '' }));
}

/** Keys that begin with what was typed; of those with a slash behind it only the part up to there. */
async function keys(client: RpcClient, typed: string): Promise<readonly Candidate[]> {
  const start = Buffer.from(typed);
  const rangeEnd = typed === '' ? Uint8Array.of(0) : prefixEnd(start);
  const found: string[] = [];
  let key: Uint8Array = typed === '' ? Uint8Array.of(0) : start;
  while (found.length < mostCandidates) {
    const range = { key, rangeEnd, keysOnly: true, serializable: true };
    const page = await readPage(client, range, mostCandidates, options);
    for (const one of page) {
      const slash = one.key.indexOf(0x2f, start.length);
      const end = slash < 0 ? one.key.length : slash + 1;
      const word = Buffer.from(one.key.subarray(0, end)).toString();
      if (found.at(-1) !== word) found.push(word);
      // Past all keys of this folder, or past this key.
      key =
        slash < 0
          ? Buffer.concat([one.key, Uint8Array.of(0)])
          : prefixEnd(one.key.subarray(0, end));
    }
    if (!page.more) break;
  }
  return plain(found.slice(0, mostCandidates));
}
