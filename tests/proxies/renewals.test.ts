import { create } from '@bufbuild/protobuf';
import { LeaseKeepAliveRequestSchema, type LeaseKeepAliveResponse } from '@kvorum/api';
import { connectRpc } from '@kvorum/client';
import { expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { startKvorum } from '../framework/member.ts';
import { ProxyProgram } from './proxy-program.ts';

it('renewals through kvorum grpc-proxy go on when the member has been restarted', async () => {
  await using member = await startKvorum();
  await using proxy = await ProxyProgram.start('grpc-proxy', [`--endpoints=${member.endpoint}`]);
  using client = connectRpc({ endpoints: [proxy.endpoint] });
  const { ID } = await client.lease.leaseGrant({ TTL: 600n });
  const stream = client.lease.leaseKeepAlive();
  const answers: LeaseKeepAliveResponse[] = [];
  const ended = (async () => {
    for await (const answer of stream) answers.push(answer);
  })();
  const renew = async (lease: bigint, ttl: bigint) => {
    const before = answers.length;
    stream.send(create(LeaseKeepAliveRequestSchema, { ID: lease }));
    await eventually('a renewal', () => answers.length > before, 30_000);
    expect(answers.at(-1)).toMatchObject({ ID: lease, TTL: ttl });
  };
  await renew(ID, 600n);
  await renew(12_345n, 0n);
  await member.kill();
  // Asked for while nobody can answer.
  const late = renew(ID, 600n);
  await member.restart();
  await late;
  stream.halfClose();
  await ended;
});
