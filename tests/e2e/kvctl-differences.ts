import { type DifferenceName, differences } from '../ctl/differences.ts';
import type { ProgramResult } from '../ctl/in-process.ts';

/** Commands of the tutorial that kvctl and etcdctl 3.5 answer differently, and the name of the reason. */
const known: readonly (readonly [RegExp, DifferenceName])[] = [
  [/./, 'retry-log'],
  [/^member list -w fields$/, 'zero-revision'],
  [/^del foo\d foo/, 'del-warning'],
  [/^watch .*-w json$/, 'cancel-reason'],
  [/^endpoint hashkv/, 'hash-revision'],
  [/^endpoint status$/, 'status-columns'],
  [/^member list -w table$/, 'table-style'],
  [/^member list --hex -w json$/, 'hex-members'],
  [/^version$/, 'version-text'],
  [/^defrag$/, 'defrag-took'],
];

const met = new Set<DifferenceName>();

/** What a command did, without what kvctl is known to do differently. */
export function withoutDifferences(command: string, result: ProgramResult): ProgramResult {
  // Differences are of outputs that are read a byte a character.
  const bytewise = recoded(result, 'utf8', 'latin1');
  const plain = known.reduce((before, [pattern, name]) => {
    if (!pattern.test(command)) return before;
    const after = differences[name].normalize(before);
    if (after.stdout !== before.stdout || after.stderr !== before.stderr) met.add(name);
    return after;
  }, bytewise);
  return recoded(plain, 'latin1', 'utf8');
}

function recoded(result: ProgramResult, from: BufferEncoding, to: BufferEncoding): ProgramResult {
  const recode = (text: string) => Buffer.from(text, from).toString(to);
  return { ...result, stdout: recode(result.stdout), stderr: recode(result.stderr) };
}

/** Differences of the list that no command has met so far. */
export function unmetDifferences(): DifferenceName[] {
  return known.map(([, name]) => name).filter((name) => !met.has(name));
}
