import { type Client, type ConnectOptions, connect } from '@kvorum/client';
import { afterAll, beforeAll, describe } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { etcdProgram, kvorumProgram, type ServerProgram, TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';

/** A running cluster that the client is tested against, and clients of it that are closed with it. */
export class Target {
  readonly endpoints: readonly string[];
  readonly #clients: Client[] = [];

  constructor(endpoints: readonly string[]) {
    this.endpoints = endpoints;
  }

  connect(options: Partial<ConnectOptions> = {}): Client {
    const client = connect({ endpoints: this.endpoints, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Every member has applied what any of them has acknowledged so far. */
  async caughtUp(): Promise<void> {
    // A linearizable read waits for it.
    await Promise.all(
      this.endpoints.map((endpoint) => this.connect({ endpoints: [endpoint] }).get('k')),
    );
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

const real = realEtcd('3.5');

interface Program {
  readonly name: string;
  readonly program: ServerProgram | undefined;
}

const programs: readonly Program[] = [
  { name: 'Kvorum', program: kvorumProgram() },
  { name: 'etcd 3.5', program: real && etcdProgram(real) },
];

/** The same tests against one member of Kvorum, three of them, and the real etcd. */
export function describeTargets(title: string, tests: (target: () => Target) => void): void {
  for (const { name, program } of programs) {
    describe.skipIf(program === undefined)(`${title}, with ${name}`, () => {
      let member: TestMember;
      let target: Target;
      beforeAll(async () => {
        if (program === undefined) throw new Error(`there is no ${name}`);
        member = await TestMember.start(program, {});
        target = new Target([member.endpoint]);
      });
      afterAll(async () => {
        target.close();
        await member[Symbol.asyncDispose]();
      });
      tests(() => target);
    });
  }
  describe(`${title}, with three members of Kvorum`, () => {
    let cluster: TestCluster;
    let target: Target;
    beforeAll(async () => {
      cluster = await TestCluster.start();
      target = new Target(cluster.members.map(({ endpoint }) => endpoint));
    });
    afterAll(async () => {
      target.close();
      await cluster[Symbol.asyncDispose]();
    });
    tests(() => target);
  });
}

/** For tests that stop and start a member: one of Kvorum, and one of the real etcd. */
export function describeMembers(
  title: string,
  tests: (start: (flags?: readonly string[]) => Promise<TestMember>) => void,
): void {
  for (const { name, program } of programs) {
    describe.skipIf(program === undefined)(`${title}, with ${name}`, () => {
      tests((flags = []) => {
        if (program === undefined) throw new Error(`there is no ${name}`);
        return TestMember.start(program, { flags });
      });
    });
  }
}
