import { type Allowance, compare, misreadStreams } from './compare.ts';
import { play } from './outcome.ts';
import { type Sequence, sequenceOf } from './sequence.ts';
import { nodeSubject, ourSubject, type Subject } from './subjects.ts';
import type { WireItem } from './wire-item.ts';

/** What many sequences have shown. */
export interface FuzzResult {
  readonly sequences: number;
  readonly identical: number;
  /** How often each allowance was used. */
  readonly allowed: ReadonlyMap<Allowance, number>;
  /** Where the servers differ and may not, with the seed and the shortest sequence that shows it. */
  readonly findings: readonly string[];
  /** The most that the heap grew by between two batches, in bytes, and what is held in the end. */
  readonly heldConnections: number;
  readonly heapGrowthBytes: number;
}

/** What two right servers may do differently with a sequence that breaks no rule. */
const allowedWhenValid: readonly Allowance[] = ['partial', 'race', 'early'];
const batchSequences = 10_000;
const mostFindings = 5;

/** Plays the sequences of seeds [first, first + count) to both servers. `collect` runs the garbage collector. */
export async function fuzz(first: number, count: number, collect: () => void): Promise<FuzzResult> {
  const ours = ourSubject();
  const theirs = nodeSubject();
  const allowed = new Map<Allowance, number>();
  const findings: string[] = [];
  let identical = 0;
  let heapBytes = 0;
  let heapGrowthBytes = 0;
  for (let i = 0; i < count && findings.length < mostFindings; i++) {
    const sequence = sequenceOf((first + i) >>> 0);
    const result = await differences(ours, theirs, sequence, sequence.items);
    if (result.allowed.size === 0 && result.findings.length === 0) identical += 1;
    for (const name of result.allowed) allowed.set(name, (allowed.get(name) ?? 0) + 1);
    if (result.findings.length > 0) findings.push(await report(sequence, result.findings));
    if (i % batchSequences === 0 && i > 0) {
      collect();
      const { heapUsed } = process.memoryUsage();
      // The first batch warms everything up.
      if (heapBytes > 0) heapGrowthBytes = Math.max(heapGrowthBytes, heapUsed - heapBytes);
      heapBytes = heapBytes === 0 ? heapUsed : heapBytes;
    }
  }
  const heldConnections = ours.held();
  return { sequences: count, identical, allowed, findings, heldConnections, heapGrowthBytes };
}

async function differences(
  ours: Subject,
  theirs: Subject,
  sequence: Sequence,
  items: readonly WireItem[],
): Promise<{ allowed: ReadonlySet<Allowance>; findings: readonly string[] }> {
  const our = await play(ours, items, sequence.pieceBytes);
  const their = await play(theirs, items, sequence.pieceBytes);
  const { allowed, findings } = compare(our, their);
  if (!sequence.isValid) return { allowed, findings };
  const wrong = [...allowed].filter((name) => !allowedWhenValid.includes(name));
  const misread = misreadStreams(our, their).map((id) => `stream ${id}: fields are misread`);
  const all = [...findings, ...misread, ...wrong.map((name) => `not allowed: ${name}`)];
  return { allowed, findings: all };
}

/** Leaves out whatever the finding does not need, on servers of their own. */
async function report(sequence: Sequence, findings: readonly string[]): Promise<string> {
  let items = [...sequence.items];
  for (let at = 0; at < items.length; ) {
    const fewer = items.filter((_, i) => i !== at);
    const { findings: left } = await differences(ourSubject(), nodeSubject(), sequence, fewer);
    if (left.length > 0) items = fewer;
    else at += 1;
  }
  const lines = items.map((item) => {
    if (item.kind === 'pause') return '  pause';
    if (item.kind === 'bytes') return `  bytes ${item.bytes.toString('hex')}`;
    const { type, flags, streamId, payload } = item;
    const head = payload.subarray(0, 200).toString('hex');
    return `  type ${type} flags ${flags} stream ${streamId} length ${payload.length}: ${head}`;
  });
  const kind = sequence.isValid ? 'valid' : 'broken';
  return [`seed ${sequence.seed} (${kind}): ${findings.join('; ')}`, ...lines].join('\n');
}
