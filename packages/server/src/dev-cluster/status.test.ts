import { describe, expect, it } from 'vitest';
import { readStatus, statusTable } from './status.ts';

const answer = (memberId: string, leader: string | undefined) =>
  readStatus({ header: { memberId }, leader, raftTerm: '4', raftIndex: '17' });

describe('the status table', () => {
  it('says who leads, as each member sees it', () => {
    const names = new Map([
      ['11', 'm1'],
      ['22', 'm2'],
      ['33', 'm3'],
    ]);
    const table = statusTable(
      [
        { name: 'm1', endpoint: 'a:1', state: 'running', status: answer('11', '22') },
        { name: 'm2', endpoint: 'a:22', state: 'running', status: answer('22', '22') },
        {
          name: 'm3',
          endpoint: 'a:3',
          state: 'running, isolated',
          status: answer('33', undefined),
        },
        { name: 'm4', endpoint: 'a:4', state: 'paused', status: undefined },
        { name: 'm5', endpoint: 'a:5', state: 'running', status: answer('55', '66') },
      ],
      names,
    );
    expect(table.split('\n')).toEqual([
      'MEMBER  ENDPOINT  STATE              ROLE      LEADER   TERM  INDEX',
      'm1      a:1       running            follower  m2       4     17',
      'm2      a:22      running            leader    m2       4     17',
      'm3      a:3       running, isolated  follower  none     4     17',
      'm4      a:4       paused             -         -        -     -',
      'm5      a:5       running            follower  unknown  4     17',
    ]);
  });

  it.each([[null], [{}], [[]], ['text'], [{ header: 1 }]])('makes nothing of %j', (json) => {
    expect(readStatus(json)).toBeUndefined();
  });
});
