import type { Client } from '@kvorum/client';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { describeMembers, Target } from '../client/targets.ts';
import type { TestMember } from '../framework/member.ts';

let spaces = 0;

/**
 * The same tests against one member of Kvorum and one of the real etcd. Each test has a namespace of its own: the
 * function gives the client of it.
 */
export function describeServers(title: string, tests: (client: () => Client) => void): void {
  describeMembers(title, (start) => {
    let member: TestMember;
    let target: Target;
    let client: Client;
    beforeAll(async () => {
      member = await start();
      target = new Target([member.endpoint]);
    });
    beforeEach(() => {
      client = target.connect().namespace(`space-${spaces++}/`);
    });
    afterAll(async () => {
      target.close();
      await member[Symbol.asyncDispose]();
    });
    tests(() => client);
  });
}
