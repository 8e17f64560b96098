import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';

const flags = ['--enable-v2'];
const releases = (['3.4', '3.5'] as const).flatMap((release) => realEtcd(release) ?? []);

/** Whether there is a real etcd to compare with. */
export const hasEtcd = releases.length > 0;

/** Members with the v2 API: of each real etcd there is, and of Kvorum. */
export interface V2Servers extends AsyncDisposable {
  readonly etcds: readonly TestMember[];
  readonly kvorum: TestMember;
}

export async function startV2Servers(more: readonly string[] = []): Promise<V2Servers> {
  const options = { flags: [...flags, ...more] };
  const starting = [...releases.map((real) => startEtcd(real, options)), startKvorum(options)];
  const members = await Promise.all(starting);
  const kvorum = members.at(-1) as TestMember;
  return {
    etcds: members.slice(0, -1),
    kvorum,
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    },
  };
}
