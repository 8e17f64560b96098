import { expect, it } from 'vitest';
import type { LogFields, Logger } from './logging/logger.ts';
import { raftLogger } from './raft-logger.ts';

it('tells of elections in the words of etcd, and of members by their ids in hex', () => {
  const lines: [string, LogFields | undefined][] = [];
  const add = (text: string, fields?: LogFields) => lines.push([text, fields]);
  const logger: Logger = {
    debugEnabled: true,
    debug: add,
    info: add,
    warn: add,
    error: add,
    named: () => logger,
  };
  const log = raftLogger(logger);
  log.info('starting an election', { id: 0xabcn, term: 3 });
  log.info('became preCandidate', { id: 0xabcn, term: 3, leader: 0n });
  log.info('switched membership', { id: 0xabcn, voters: [0xabcn, 0xffn] });
  expect(lines).toEqual([
    ['abc is starting a new election at term 3', { id: 'abc', term: 3 }],
    ['abc became pre-candidate at term 3', { id: 'abc', term: 3, leader: '0' }],
    ['switched membership', { id: 'abc', voters: ['abc', 'ff'] }],
  ]);
});
