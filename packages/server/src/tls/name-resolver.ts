import { lookup, lookupService, reverse } from 'node:dns/promises';

/** Names and addresses of hosts: what a certificate's names are compared by with the address that it is shown from. */
export interface NameResolver {
  /** Addresses of a name. Rejects when there are none. */
  addressesOf(name: string): Promise<readonly string[]>;
  /** Names of an address; none where there are none. */
  namesOf(address: string): Promise<readonly string[]>;
}

/** As this machine resolves names, its hosts file included. */
export const nodeNameResolver: NameResolver = {
  async addressesOf(name) {
    const found = await lookup(name, { all: true });
    return found.map(({ address }) => address);
  },
  async namesOf(address) {
    // The system's own answer knows hosts files, and has one name; DNS may have several, as in Kubernetes.
    const [service, records] = await Promise.allSettled([
      lookupService(address, 0),
      reverse(address),
    ]);
    const names = records.status === 'fulfilled' ? records.value : [];
    // Without a name the address itself comes back.
    const first = service.status === 'fulfilled' ? service.value.hostname : address;
    const all = first === address ? names : [first, ...names];
    return [...new Set(all.map((name) => name.replace(/\.$/, '')))];
  },
};
