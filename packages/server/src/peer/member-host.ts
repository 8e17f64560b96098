import type { MemberCore } from '../member-core.ts';
import type { PeerMethods } from './peer-calls.ts';
import type { PeerHost } from './peer-host.ts';

/** A member, as the transport of its peers sees it. */
export function peerHostOf(core: MemberCore, methods: PeerMethods): PeerHost {
  const { cluster, loop, memberId, end, stats } = core;
  return {
    memberId,
    clusterId: cluster.id,
    members: () => cluster.members(),
    isRemoved: (id) => cluster.isRemoved(id),
    step(message) {
      if (message.type === 'MsgApp') stats.appendsReceived += 1;
      loop.step(message);
    },
    reportUnreachable: (id) => loop.reportUnreachable(id),
    reportGone: (id) => loop.reportGone(id),
    reportSnapshot: (id, outcome) => loop.reportSnapshot(id, outcome),
    stateToSend: () => core.stateToSend(),
    receiveState: () => core.receiveState(),
    methods,
    onRemoved: () => core.leave(),
    onFailure: end.fail,
  };
}
