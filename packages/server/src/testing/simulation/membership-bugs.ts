import { decodeConfChange, RawNode } from '@kvorum/raft';
import { MemberCore } from '../../member-core.ts';
import { Cluster } from '../../membership/cluster.ts';
import { replace, type SeededBug } from './seeded-bug.ts';

/** Mistakes in what happens when members come and go. */
export const membershipBugs: readonly SeededBug[] = [
  {
    name: 'a change of the membership takes effect when it is appended',
    caughtBy: 9,
    install: () =>
      replace(RawNode.prototype, 'ready', (original) => {
        return function ready(this: RawNode) {
          const taken = original.call(this);
          for (const entry of taken.entries) {
            if (entry.type !== 'normal') this.applyConfChange(decodeConfChange(entry));
          }
          return taken;
        };
      }),
  },
  {
    name: 'a removed member keeps its vote',
    caughtBy: 1,
    install: () =>
      replace(RawNode.prototype, 'applyConfChange', (original) => {
        return function applyConfChange(this: RawNode, change) {
          if (!('type' in change) || change.type !== 'removeNode')
            return original.call(this, change);
          return this.status().conf;
        };
      }),
  },
  {
    name: 'a removed member goes on',
    caughtBy: 1,
    install: () => replace(MemberCore.prototype, 'leave', () => () => {}),
  },
  {
    name: 'a removed member is listened to',
    caughtBy: 1,
    install: () => replace(Cluster.prototype, 'isRemoved', () => () => false),
  },
  {
    name: 'a state that is taken over does not bring its list of members',
    caughtBy: 5,
    install: () => {
      const loaded = new WeakSet<Cluster>();
      return replace(Cluster.prototype, 'load', (original) => {
        return function load(this: Cluster, listMeta) {
          if (!loaded.has(this)) original.call(this, listMeta);
          loaded.add(this);
        };
      });
    },
  },
];
