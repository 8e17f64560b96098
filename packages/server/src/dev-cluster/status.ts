/** What a member says of itself. */
export interface MemberStatus {
  readonly memberId: string;
  /** Zero when it knows of none. */
  readonly leader: string;
  readonly term: string;
  readonly index: string;
}

/** Asks a member at a client port; resolves with undefined when it does not answer in time. */
export type AskStatus = (clientPort: number) => Promise<MemberStatus | undefined>;

/** One line of the table. */
export interface StatusRow {
  readonly name: string;
  readonly endpoint: string;
  /** What the dev-cluster did to it: running, isolated, paused, stopped. */
  readonly state: string;
  readonly status: MemberStatus | undefined;
}

/** Reads the JSON form of a `StatusResponse`; fields that are zero are absent in it. */
export function readStatus(json: unknown): MemberStatus | undefined {
  const answer = asRecord(json);
  const header = asRecord(answer?.header);
  if (answer === undefined || header === undefined) return undefined;
  return {
    memberId: wordOf(header.memberId),
    leader: wordOf(answer.leader),
    term: wordOf(answer.raftTerm),
    index: wordOf(answer.raftIndex),
  };
}

/** The table of all members; the role is what each thinks it is. `names` has the name of each member id. */
export function statusTable(
  rows: readonly StatusRow[],
  names: ReadonlyMap<string, string>,
): string {
  const head = ['MEMBER', 'ENDPOINT', 'STATE', 'ROLE', 'LEADER', 'TERM', 'INDEX'];
  const lines = rows.map(({ name, endpoint, state, status }) => {
    if (status === undefined) return [name, endpoint, state, '-', '-', '-', '-'];
    const role = status.leader === status.memberId ? 'leader' : 'follower';
    const leader = status.leader === '0' ? 'none' : (names.get(status.leader) ?? 'unknown');
    return [name, endpoint, state, role, leader, status.term, status.index];
  });
  const table = [head, ...lines];
  const widths = head.map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined;
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '0';
}
