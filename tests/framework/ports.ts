import { createServer, type Server } from 'node:net';

/**
 * Ports of 127.0.0.1 that nobody listened on a moment ago. Somebody else may take one before its user does: whoever
 * starts a server on them tries again with others when that happens.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  // All are held at once, so that none is given out twice.
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map(portOf);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
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
