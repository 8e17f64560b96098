import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type ResolveSrv, srvResolver } from '@kvorum/client';

/** What discovery asks of DNS; injected, so that a test can have records of its own. */
export interface Dns {
  /** The SRV records of a name; see `lookUpSrv`. */
  readonly resolveSrv: ResolveSrv;
  /** All IP addresses of a host, at least one; an address is its own. Rejects when there are none. */
  addresses(host: string): Promise<readonly string[]>;
}

/**
 * DNS as `servers` tell it (`address` or `address:port`), or the system when there are none. Hosts that the servers don't
 * know are asked of the system, which also has a hosts file.
 */
export function nodeDns(servers: readonly string[] = []): Dns {
  return {
    resolveSrv: srvResolver(servers),
    async addresses(host) {
      if (isIP(host) !== 0) return [host];
      const told = servers.length === 0 ? [] : await askServers(servers, host);
      if (told.length > 0) return told;
      const found = await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
        // In etcd's words; others tell of trouble of another kind.
        if (error.code !== 'ENOTFOUND') throw error;
        throw new Error(`lookup ${host}: no such host`, { cause: error });
      });
      return found.map(({ address }) => address);
    },
  };
}

async function askServers(servers: readonly string[], host: string): Promise<readonly string[]> {
  const resolver = new Resolver();
  resolver.setServers(servers);
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}
