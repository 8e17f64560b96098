import type { ResolveSrv } from '../endpoints/srv.ts';

/**
 * Asks DNS for SRV records: `servers` (`address` or `address:port`), or those of the system when there are none. The
 * answers are sorted by priority and, for want of load to spread, by the largest weight.
 */
export function srvResolver(servers: readonly string[] = []): ResolveSrv {
  return async (name) => {
    const { Resolver } = await import('node:dns/promises');
    // As resolv.conf has it by default.
    const resolver = new Resolver({ timeout: 5000, tries: 2 });
    if (servers.length > 0) resolver.setServers(servers);
    const records = await resolver.resolveSrv(name);
    const sorted = records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
    return sorted.map(({ name: target, port, priority, weight }) => {
      return { target, port, priority, weight };
    });
  };
}
