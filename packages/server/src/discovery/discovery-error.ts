/**
 * Why the founding members could not find each other:
 * - `dns`: the SRV records name no cluster, or not this member;
 * - `sizeNotFound`: there is no such token; `badSize`: the size kept for it is no number of members;
 * - `full`: as many members as are wanted have come before this one;
 * - `duplicateId`: this member has registered before; `duplicateName`: another one has its name;
 * - `invalidUrl`: a registered member has no URL of a peer;
 * - `badEndpoint`: what answers there is no discovery service; `refused`: it does not let this member in.
 */
export type DiscoveryErrorCode =
  | 'dns'
  | 'sizeNotFound'
  | 'badSize'
  | 'full'
  | 'duplicateId'
  | 'duplicateName'
  | 'invalidUrl'
  | 'badEndpoint'
  | 'refused';

/** The message is etcd's where etcd has one; `remedy` tells people what to do, one line each. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError';
  readonly code: DiscoveryErrorCode;
  /** What etcd's log calls the reason, without what was tried. */
  readonly reason: string;
  readonly remedy: readonly string[];

  constructor(
    code: DiscoveryErrorCode,
    message: string,
    remedy: readonly string[] = [],
    reason = message,
  ) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.remedy = remedy;
  }
}

const freshToken =
  'a token serves one cluster: make a new one, and give it to all members of the new cluster';

const remedies: Readonly<Record<DiscoveryErrorCode, readonly string[]>> = {
  dns: [],
  sizeNotFound: ['the discovery service knows no such token: is it spelled as it was given out?'],
  badSize: [
    'the size that is kept for the token must be the number of founding members, at least 1',
  ],
  full: [
    freshToken,
    'one that is to join the cluster later is added to it (etcdctl member add) and started with ' +
      '--initial-cluster-state=existing',
  ],
  duplicateId: [
    'a member with these peer URLs has registered under this token before: start it with its old --data-dir',
    `if its data is lost, or the cluster never came to be: ${freshToken}`,
  ],
  duplicateName: [
    'every member needs a --name of its own',
    `what is registered stays so: ${freshToken}`,
  ],
  invalidUrl: [`what is registered stays so: ${freshToken}`],
  badEndpoint: ['is that the URL of a discovery service, with a token at its end?'],
  refused: [],
};

/** A discovery service did not let a member join a cluster. `reason` is etcd's text for it. */
export function joinError(code: DiscoveryErrorCode, reason: string): DiscoveryError {
  const message = `failed to join discovery cluster (${reason})`;
  return new DiscoveryError(code, message, remedies[code], reason);
}
