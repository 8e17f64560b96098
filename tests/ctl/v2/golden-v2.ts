import { etcdProgram, type ServerProgram, TestMember } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { type GoldenServer, type GoldenStep, golden, goldenServers } from '../golden.ts';

export interface GoldenV2Options {
  /** Of the servers. Default: both. */
  readonly releases?: readonly ('3.4' | '3.5')[];
  /** What `start` starts. Default: the real etcd. */
  readonly servers?: readonly ('etcd' | 'kvorum')[];
  /** Default: a member of each release, of its own. */
  readonly start?: (program: ServerProgram) => Promise<GoldenServer>;
  /** Whether Kvorum is asked, too. Default: true, unless `start` says what is asked. */
  readonly isForKvorum?: boolean;
}

/**
 * Declares the tests of a table of v2 mode: what etcdctl 3.5 and kvctl do with ETCDCTL_API=2 must be the same, on
 * servers of either release and on Kvorum; and what etcdctl 3.4 does at an etcd 3.4 and at Kvorum.
 */
export function goldenV2(
  name: string,
  steps: readonly (string | readonly string[] | GoldenStep)[],
  {
    releases = ['3.5', '3.4'],
    servers = ['etcd'],
    start,
    isForKvorum = start === undefined,
  }: GoldenV2Options = {},
): void {
  const table = steps.map(ofV2);
  if (start !== undefined) golden(name, table, { servers, start });
  for (const release of start === undefined ? releases : []) {
    const real = realEtcd(release);
    if (real === undefined) continue;
    golden(`${name}, etcd ${release}`, table, {
      servers: ['etcd'],
      start: () => startMember(etcdProgram(real)),
    });
  }
  if (!isForKvorum) return;
  golden(`${name}, Kvorum`, table, { servers: ['kvorum'], start: startMember });
  goldenServers(name, table, { release: '3.4', start: startMember });
}

async function startMember(program: ServerProgram): Promise<GoldenServer> {
  const member = await TestMember.start(program, { flags: ['--enable-v2'] });
  return {
    endpoint: member.url,
    names: { bare: member.endpoint },
    [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
  };
}

/** A step as it is run: in v2 mode. */
export function ofV2(step: string | readonly string[] | GoldenStep): GoldenStep {
  const { env = {}, ...rest } =
    typeof step === 'string' || Array.isArray(step)
      ? ({ args: step } as GoldenStep)
      : (step as GoldenStep);
  return { mask: v2Mask, ...rest, env: { ETCDCTL_API: '2', ...env } };
}

/** Moments, ports, and the version of the tools. */
const v2Mask = /\d{4}-\d\d-\d\dT[\d:.]+Z|\b3\.\d+\.\d+\b|127\.0\.0\.1:\d{4,}/g;
