import type { History } from '../history/index.ts';
import type { SimCluster } from '../sim-cluster.ts';
import type { MemberChecks } from './member-checks.ts';
import type { Trace } from './trace.ts';

/** What everything in a run has in common. */
export interface SimWorld {
  readonly cluster: SimCluster;
  readonly history: History;
  readonly checks: MemberChecks;
  readonly trace: Trace;
}
