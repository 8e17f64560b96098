import { createServer, type Server } from 'node:net';

/** What this process has given out: its users may not have come yet, or may be down and come again. */
const given = new Set<number>();

/**
 * Ports of 127.0.0.1 that nobody listened on a moment ago, none of them given out before. Another process may take
 * one before its user does: whoever starts a server on them tries again with others when that happens.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const server = await listenAnywhere();
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    if (given.has(port)) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

function listenAnywhere(): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not bound to a port');
  return address.port;
}
