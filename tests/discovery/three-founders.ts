import { expect } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { failedFounder, START_DEADLINE_MS } from './founding-member.ts';

/**
 * Three members found a cluster under a new token, of which `newToken` gives the flags. One comes again, and a fourth one
 * too late; what the log says of that is returned, but for what goes well.
 */
export async function threeFounders(newToken: () => Promise<readonly string[]>) {
  let flags: readonly string[] = [];
  await using cluster = await TestCluster.start({
    prepared: async () => {
      flags = await newToken();
    },
    bootstrapOf: () => flags,
  });
  using inside = cluster.member(1).client();
  const { members } = await inside.cluster.memberList({});
  expect(members.map(({ name, peerURLs }) => `${name}=${peerURLs.join()}`).sort()).toEqual(
    cluster.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`),
  );
  const [first] = cluster.members;
  await first?.stop();
  await first?.spawn();
  const ignored = /discovery token is ignored since cluster already initialized/;
  await first?.process.stderr.line(ignored, START_DEADLINE_MS);
  await first?.ready();
  const late = await failedFounder({ flags });
  const error = 'failed to join discovery cluster (discovery: cluster is full)';
  expect(late).toMatchObject({ code: 1, people: { 0: error } });
  return late.warnings;
}
