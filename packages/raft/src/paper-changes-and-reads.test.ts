import { describe, expect, it } from 'vitest';
import { entryOf, LoneMember } from './testing/lone-member.ts';
import { noBytes } from './types.ts';

/*
 * More of what the dissertation says, as in paper.test.ts: crashes (§3.7), membership changes (§4), reads (§6.4).
 */

const context = Uint8Array.of(42);

describe('§3.7 follower and candidate crashes', () => {
  it('a request that comes twice changes nothing the second time', () => {
    const member = new LoneMember({ term: 1 });
    for (let i = 0; i < 3; i++) {
      member.get('MsgApp', 2n, { entries: [entryOf(1, 1), entryOf(1, 2)] });
      expect(member.terms).toEqual([1, 1]);
      expect(member.take('MsgAppResp')).toMatchObject([{ index: 2, reject: false }]);
    }
  });

  it('a leader tries again for as long as a follower does not answer', () => {
    const member = new LoneMember().lead();
    for (let i = 0; i < 3; i++) {
      member.get('MsgHeartbeatResp', 3n);
      expect(member.take('MsgApp')).toMatchObject([{ to: 3n, index: 0, entries: [{ index: 1 }] }]);
    }
  });
});

describe('§4.2 availability during membership changes', () => {
  it('§4.2.1: a new member gets the log from the first entry on', () => {
    const member = new LoneMember({ voters: [1n, 2n] }).lead();
    member.node.applyConfChange({ id: 0n, type: 'addLearnerNode', nodeId: 3n, context: noBytes });
    member.node.propose([context]);
    member.work();
    expect(member.take('MsgApp').filter((m) => m.to === 3n)).toMatchObject([{ index: 0 }]);
    member.get('MsgAppResp', 3n, { index: 1 });
    expect(member.take('MsgApp').filter((m) => m.to === 3n)).toMatchObject([
      { index: 1, entries: [{ index: 2 }] },
    ]);
  });
});

describe('§4.3 joint membership', () => {
  const joint = {
    transition: 'jointExplicit' as const,
    changes: [
      { type: 'addNode' as const, nodeId: 4n },
      { type: 'addNode' as const, nodeId: 5n },
      { type: 'removeNode' as const, nodeId: 2n },
    ],
    context: noBytes,
  };

  it('an entry needs majorities of the old and of the new voters', () => {
    const member = new LoneMember().lead();
    member.node.applyConfChange(joint);
    member.node.propose([context]);
    member.work();
    for (const id of [4n, 5n]) member.get('MsgAppResp', id, { index: 2 });
    expect(member.node.committed).toBe(1);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(2);
  });

  it('an election needs majorities of the old and of the new voters', () => {
    const member = new LoneMember();
    member.node.applyConfChange(joint);
    member.node.campaign();
    member.work();
    for (const id of [4n, 5n]) member.get('MsgVoteResp', id);
    expect(member.node.role).toBe('candidate');
    member.get('MsgVoteResp', 2n);
    expect(member.node.role).toBe('leader');
  });

  it('a read needs both majorities as well', () => {
    const member = new LoneMember().lead();
    member.node.applyConfChange(joint);
    member.node.readIndex(context);
    member.work();
    const round = member.take('MsgHeartbeat')[0]?.context ?? context;
    for (const id of [4n, 5n]) member.get('MsgHeartbeatResp', id, { context: round });
    expect(member.reads).toEqual([]);
    member.get('MsgHeartbeatResp', 3n, { context: round });
    expect(member.reads).toHaveLength(1);
  });
});

describe('§6.4 reads', () => {
  it('a follower asks its leader, and reads when it has applied what the leader says', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.node.readIndex(context);
    member.work();
    expect(member.take()).toMatchObject([{ type: 'MsgReadIndex', to: 2n, context }]);
    member.get('MsgReadIndexResp', 2n, { index: 7, context });
    expect(member.reads).toEqual([{ index: 7, context }]);
  });

  it('one round of heartbeats serves all reads that have gathered', () => {
    const member = new LoneMember().lead();
    for (let i = 0; i < 5; i++) member.node.readIndex(Uint8Array.of(i));
    member.work();
    const asked = member.take('MsgHeartbeat');
    expect(asked).toHaveLength(2);
    member.get('MsgHeartbeatResp', 2n, { context: asked[0]?.context ?? context });
    expect(member.reads.map((read) => read.context[0])).toEqual([0, 1, 2, 3, 4]);
  });

  it('a learner confirms no read', () => {
    const member = new LoneMember({ voters: [1n, 2n], learners: [3n] }).lead();
    member.node.readIndex(context);
    member.work();
    const round = member.take('MsgHeartbeat')[0]?.context ?? context;
    member.get('MsgHeartbeatResp', 3n, { context: round });
    expect(member.reads).toEqual([]);
  });
});
