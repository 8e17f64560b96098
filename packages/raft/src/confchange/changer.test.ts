import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJoint, isVoter, sameConfState } from '../tracker/membership.ts';
import { type ConfChangeV2, type ConfState, emptyConfState, noBytes } from '../types.ts';
import { changedConf, checkConf, enterJoint, leaveJoint, simple } from './changer.ts';

const conf = (voters: bigint[], rest: Partial<ConfState> = {}): ConfState => ({
  ...emptyConfState,
  voters,
  ...rest,
});
const single = fc.record({
  type: fc.constantFrom('addNode' as const, 'removeNode' as const, 'addLearnerNode' as const),
  nodeId: fc.bigInt({ min: 1n, max: 6n }),
});
const changes = fc.array(single, { minLength: 1, maxLength: 4 });

describe('a simple change', () => {
  it('adds, removes, promotes and demotes one voter', () => {
    const add = simple(conf([1n, 2n]), [{ type: 'addNode', nodeId: 3n }]);
    expect(add).toEqual(conf([1n, 2n, 3n]));
    const demote = simple(add, [{ type: 'addLearnerNode', nodeId: 1n }]);
    expect(demote).toEqual(conf([2n, 3n], { learners: [1n] }));
    const promote = simple(demote, [{ type: 'addNode', nodeId: 1n }]);
    expect(promote).toEqual(conf([1n, 2n, 3n]));
    expect(simple(promote, [{ type: 'removeNode', nodeId: 2n }])).toEqual(conf([1n, 3n]));
  });

  it('refuses to change two voters, to remove the last one, and to run beside a joint change', () => {
    const two = [
      { type: 'addNode' as const, nodeId: 2n },
      { type: 'addNode' as const, nodeId: 3n },
    ];
    expect(() => simple(conf([1n]), two)).toThrow('more than one voter');
    expect(() => simple(conf([1n]), [{ type: 'removeNode', nodeId: 1n }])).toThrow('all voters');
    const joint = enterJoint(conf([1n]), true, two);
    expect(() => simple(joint, [{ type: 'addNode', nodeId: 4n }])).toThrow('joint');
  });

  it('takes changes of nobody and updates as nothing', () => {
    const before = conf([1n], { learners: [2n] });
    expect(simple(before, [{ type: 'removeNode', nodeId: 0n }])).toEqual(before);
    expect(simple(before, [{ type: 'updateNode', nodeId: 1n }])).toEqual(before);
  });
});

describe('a joint change', () => {
  it('keeps the old voters deciding until it is left', () => {
    const joint = enterJoint(conf([1n, 2n, 3n]), false, [
      { type: 'removeNode', nodeId: 1n },
      { type: 'addNode', nodeId: 4n },
      { type: 'addLearnerNode', nodeId: 2n },
    ]);
    expect(joint).toEqual(
      conf([3n, 4n], { votersOutgoing: [1n, 2n, 3n], learnersNext: [2n], autoLeave: false }),
    );
    expect(leaveJoint(joint)).toEqual(conf([3n, 4n], { learners: [2n] }));
  });

  it('is chosen when a change asks for it or needs it', () => {
    const change = (transition: ConfChangeV2['transition'], ...ids: bigint[]): ConfChangeV2 => ({
      transition,
      changes: ids.map((nodeId) => ({ type: 'addNode', nodeId })),
      context: noBytes,
    });
    expect(isJoint(changedConf(conf([1n]), change('auto', 2n)))).toBe(false);
    expect(changedConf(conf([1n]), change('auto', 2n, 3n)).autoLeave).toBe(true);
    expect(changedConf(conf([1n]), change('jointImplicit', 2n)).autoLeave).toBe(true);
    expect(changedConf(conf([1n]), change('jointExplicit', 2n)).autoLeave).toBe(false);
    expect(() => changedConf(conf([1n]), change('auto'))).toThrow('no joint change is under way');
  });

  it('left at once gives what its simple changes give one by one', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const start = conf([1n, 2n, 3n], { learners: [4n] });
        let stepwise: ConfState | undefined = start;
        for (const change of list) {
          try {
            stepwise = stepwise && simple(stepwise, [change]);
          } catch {
            stepwise = undefined;
          }
        }
        fc.pre(stepwise !== undefined && stepwise.voters.length > 0);
        const joint = leaveJoint(enterJoint(start, true, list));
        expect(sameConfState(joint, stepwise as ConfState)).toBe(true);
      }),
    );
  });

  it('always leads to a membership whose lists fit together', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(changes, fc.boolean()), { maxLength: 6 }), (steps) => {
        let current = conf([1n, 2n, 3n]);
        for (const [list, autoLeave] of steps) {
          try {
            current = isJoint(current) ? leaveJoint(current) : enterJoint(current, autoLeave, list);
          } catch {
            // Removing all voters: nothing has changed.
          }
          checkConf(current);
          for (const id of current.learners) expect(isVoter(current, id)).toBe(false);
        }
      }),
    );
  });
});
