import type { EtcdErrorCode } from '@kvorum/api';
import type { ConfChange } from '@kvorum/raft';
import { formatId } from './ids.ts';

/** A member as clients and other members see it. */
export interface Member {
  readonly id: bigint;
  /** Empty until the member has started and published itself. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** Where the membership is kept: rows in the store, written in the batch of the entry that changed them. */
export interface MembershipRows {
  putMeta(name: string, value: Uint8Array): void;
  deleteMeta(name: string): void;
}

/** Row names, one a member, in the store's `meta` column. */
const MEMBER_PREFIX = 'member/';
const REMOVED_PREFIX = 'removedMember/';
const CLUSTER_VERSION = 'clusterVersion';
const DOWNGRADE = 'downgrade';

/** The membership as the log has decided it so far. Changed by applied entries alone. */
export class Cluster {
  readonly id: bigint;
  readonly #members = new Map<bigint, Member>();
  readonly #removed = new Set<bigint>();
  #version: string | undefined;
  #downgradeTarget: string | undefined;

  constructor(id: bigint) {
    this.id = id;
  }

  /** Replaces everything by what the rows say that `listMeta` has under this class's names. */
  load(listMeta: (prefix: string) => Iterable<[string, Uint8Array]>): void {
    this.#members.clear();
    this.#removed.clear();
    this.#version = undefined;
    this.#downgradeTarget = undefined;
    for (const [, value] of listMeta(MEMBER_PREFIX)) {
      const member = memberFromJson(Buffer.from(value).toString());
      this.#members.set(member.id, member);
    }
    for (const [name] of listMeta(REMOVED_PREFIX)) {
      this.#removed.add(BigInt(`0x${name.slice(REMOVED_PREFIX.length)}`));
    }
    for (const [name, value] of listMeta(CLUSTER_VERSION)) {
      if (name === CLUSTER_VERSION) this.#version = Buffer.from(value).toString();
    }
    for (const [name, value] of listMeta(DOWNGRADE)) {
      if (name === DOWNGRADE) this.#downgradeTarget = Buffer.from(value).toString();
    }
  }

  /** All members, by ascending id. */
  members(): Member[] {
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  member(id: bigint): Member | undefined {
    return this.#members.get(id);
  }

  /** Whether a member of that id was removed: it never comes back. */
  isRemoved(id: bigint): boolean {
    return this.#removed.has(id);
  }

  /** What all members speak, such as `3.7.0`; undefined until one of them has said it. */
  get version(): string | undefined {
    return this.#version;
  }

  /** While a downgrade is under way the version is its target, whatever the members are. */
  setVersion(rows: MembershipRows, version: string): void {
    if (this.#downgradeTarget === undefined) this.#putVersion(rows, version);
  }

  /** The version that the cluster is being downgraded to, such as `3.6.0`; undefined when it isn't. */
  get downgradeTarget(): string | undefined {
    return this.#downgradeTarget;
  }

  /** The cluster's version is the target's at once, so that members of that version may join. */
  beginDowngrade(rows: MembershipRows, target: string): void {
    this.#downgradeTarget = target;
    rows.putMeta(DOWNGRADE, Buffer.from(target));
    this.#putVersion(rows, target);
  }

  /** Sets the version that the cluster has from now on, unless the empty text leaves it as it is. */
  endDowngrade(rows: MembershipRows, version: string): void {
    if (this.#downgradeTarget === undefined) return;
    this.#downgradeTarget = undefined;
    rows.deleteMeta(DOWNGRADE);
    if (version !== '') this.#putVersion(rows, version);
  }

  setAttributes(
    rows: MembershipRows,
    id: bigint,
    name: string,
    clientUrls: readonly string[],
  ): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#put(rows, { ...member, name, clientUrls });
  }

  /**
   * Why a change can't be carried out, in the words of the API; decided by applied entries and --max-learners, which has
   * to be the same at all members.
   */
  refusalOf(change: ConfChange, maxLearners: number): EtcdErrorCode | undefined {
    const { nodeId } = change;
    if (this.#removed.has(nodeId)) return 'memberNotFound';
    const known = this.#members.get(nodeId);
    if (change.type === 'removeNode') return known === undefined ? 'memberNotFound' : undefined;
    const given = changeFromJson(change);
    if (change.type === 'updateNode') {
      if (known === undefined) return 'memberNotFound';
      return this.#isUrlTaken(given.member.peerUrls, nodeId) ? 'peerUrlExist' : undefined;
    }
    if (given.isPromotion) {
      if (known === undefined) return 'memberNotFound';
      return known.isLearner ? undefined : 'memberNotLearner';
    }
    if (known !== undefined) return 'memberExist';
    if (this.#isUrlTaken(given.member.peerUrls, nodeId)) return 'peerUrlExist';
    if (change.type !== 'addLearnerNode') return undefined;
    const learners = this.members().filter(({ isLearner }) => isLearner).length;
    return learners < maxLearners ? undefined : 'tooManyLearners';
  }

  /** Carries out an applied change that wasn't refused. The context of an added or updated member is its JSON. */
  applyConfChange(rows: MembershipRows, change: ConfChange): void {
    if (change.type === 'removeNode') {
      this.#remove(rows, change.nodeId);
      return;
    }
    const { member } = changeFromJson(change);
    const known = this.#members.get(change.nodeId);
    if (change.type === 'updateNode' && known !== undefined) {
      this.#put(rows, { ...known, peerUrls: member.peerUrls });
      return;
    }
    const isLearner = change.type === 'addLearnerNode';
    this.#put(rows, { ...member, ...known, id: change.nodeId, isLearner });
  }

  /** Removes everybody but one member, which has a vote then. */
  keepOnly(rows: MembershipRows, kept: Member): void {
    for (const { id } of this.members()) if (id !== kept.id) this.#remove(rows, id);
    this.#put(rows, { ...kept, isLearner: false });
  }

  #putVersion(rows: MembershipRows, version: string): void {
    this.#version = version;
    rows.putMeta(CLUSTER_VERSION, Buffer.from(version));
  }

  #remove(rows: MembershipRows, id: bigint): void {
    this.#members.delete(id);
    this.#removed.add(id);
    rows.deleteMeta(MEMBER_PREFIX + formatId(id));
    rows.putMeta(REMOVED_PREFIX + formatId(id), Buffer.from('removed'));
  }

  #isUrlTaken(urls: readonly string[], by: bigint): boolean {
    return [...this.#members.values()].some(
      ({ id, peerUrls }) => id !== by && peerUrls.some((url) => urls.includes(url)),
    );
  }

  #put(rows: MembershipRows, member: Member): void {
    this.#members.set(member.id, member);
    rows.putMeta(MEMBER_PREFIX + formatId(member.id), Buffer.from(memberToJson(member)));
  }
}

/** The JSON that etcd puts into a membership change. Ids are numbers there, beyond what JSON.parse keeps exact. */
export function memberToJson(member: Member): string {
  const rest = JSON.stringify({
    peerURLs: member.peerUrls,
    ...(member.isLearner ? { isLearner: true } : {}),
    ...(member.name === '' ? {} : { name: member.name }),
    ...(member.clientUrls.length === 0 ? {} : { clientURLs: member.clientUrls }),
  });
  return `{"id":${member.id},${rest.slice(1)}`;
}

/** What the context of a change says: the member, and whether a learner becomes a voter. */
function changeFromJson({ context }: ConfChange): { member: Member; isPromotion: boolean } {
  const text = Buffer.from(context).toString();
  return { member: memberFromJson(text), isPromotion: /"isPromote":\s*true/.test(text) };
}

/** The context of the change that makes a learner a voter. */
export function promotionToJson(member: Member): string {
  return `${memberToJson({ ...member, isLearner: false }).slice(0, -1)},"isPromote":true}`;
}

/** Throws `SyntaxError` when the text is not a member. */
export function memberFromJson(text: string): Member {
  return memberFrom(JSON.parse(quoted(text)));
}

/** The list of GET /members. Throws `SyntaxError` when the text is none. */
export function membersFromJson(text: string): Member[] {
  const list: unknown = JSON.parse(quoted(text));
  if (!Array.isArray(list)) throw new SyntaxError('members are a JSON array');
  return list.map(memberFrom);
}

function quoted(text: string): string {
  return text.replace(/"id":\s*(\d+)/g, '"id":"$1"');
}

function memberFrom(value: unknown): Member {
  if (typeof value !== 'object' || value === null)
    throw new SyntaxError('a member is a JSON object');
  const fields = value as Record<string, unknown>;
  return {
    id: BigInt(typeof fields.id === 'string' ? fields.id : 0),
    name: typeof fields.name === 'string' ? fields.name : '',
    peerUrls: texts(fields.peerURLs),
    clientUrls: texts(fields.clientURLs),
    isLearner: fields.isLearner === true,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
