import type { CallOptions } from '@connectrpc/connect';
import type { Api, PermissionCall } from './permission-calls.ts';

const lease = 104n;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A lease whose keys are gone: nobody holds a lock or leads. */
async function nobodyHolds({ lease: leases }: Api, root: CallOptions): Promise<void> {
  await leases.leaseRevoke({ ID: lease }, root).catch(() => {});
  await leases.leaseGrant({ ID: lease, TTL: 600n }, root);
}

/** Somebody leads each election that the table is about. */
async function somebodyLeads(api: Api, root: CallOptions): Promise<void> {
  await nobodyHolds(api, root);
  for (const name of ['a/chair', 'z/chair']) {
    await api.election.campaign({ name: bytes(name), lease, value: bytes('v') }, root);
  }
}

/** Who may lock and be elected: those who may do with keys and leases what it takes. */
export const coordinationCalls: readonly PermissionCall[] = (
  [
    ['of a name that roles are about', 'a'],
    ['elsewhere', 'z'],
  ] as const
).flatMap(([where, folder]): PermissionCall[] => {
  const name = bytes(`${folder}/chair`);
  const key = bytes(`${folder}/chair/${lease.toString(16)}`);
  const mine = async ({ election }: Api, as: CallOptions) => {
    return {
      name,
      key,
      lease,
      rev: (await election.leader({ name }, as)).kv?.createRevision ?? 0n,
    };
  };
  return [
    {
      name: `Lock ${where}`,
      before: nobodyHolds,
      run: ({ lock }, as) => lock.lock({ name: bytes(`${folder}/lock`), lease }, as),
    },
    {
      name: `Unlock ${where}`,
      run: ({ lock }, as) => lock.unlock({ key: bytes(`${folder}/lock/1`) }, as),
    },
    {
      name: `Campaign ${where}`,
      before: nobodyHolds,
      run: ({ election }, as) => election.campaign({ name, lease, value: bytes('v') }, as),
    },
    {
      name: `Leader ${where}`,
      before: somebodyLeads,
      run: ({ election }, as) => election.leader({ name }, as),
    },
    {
      name: `Observe ${where}`,
      before: somebodyLeads,
      async run({ election }, as) {
        for await (const _leader of election.observe({ name }, as)) return;
      },
    },
    {
      name: `Proclaim ${where}`,
      before: somebodyLeads,
      async run(api, as) {
        const leader = await mine(api, as);
        await api.election.proclaim({ leader, value: bytes('w') }, as);
      },
    },
    {
      name: `Resign ${where}`,
      before: somebodyLeads,
      async run(api, as) {
        await api.election.resign({ leader: await mine(api, as) }, as);
      },
    },
  ];
});
