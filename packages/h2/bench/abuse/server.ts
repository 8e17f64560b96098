import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { GrpcServer, nodeClock } from '../../src/index.ts';
import { AbuseService } from './abuse-service.ts';
import { answerParent } from './answering.ts';
import type { Request, ServerMemory } from './messages.ts';

/* The server under attack. */

const memoryIntervalMs = 50;
let peakRssBytes = 0;
let grpc: GrpcServer | undefined;

async function serve(limits: Extract<Request, { ask: 'serve' }>['limits']): Promise<number> {
  const server = new GrpcServer({ methods: new AbuseService().methods, clock: nodeClock, limits });
  grpc = server;
  const listener = net.createServer({ noDelay: true }, (socket) => server.accept(socket));
  listener.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(listener, 'listening');
  return (listener.address() as AddressInfo).port;
}

function memory(): ServerMemory {
  const rssBytes = process.memoryUsage.rss();
  const { user, system } = process.cpuUsage();
  const peak = Math.max(peakRssBytes, rssBytes);
  peakRssBytes = 0;
  const connections = grpc?.connectionCount ?? 0;
  return { rssBytes, peakRssBytes: peak, connections, cpuMs: (user + system) / 1000 };
}

setInterval(() => {
  peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
}, memoryIntervalMs);

answerParent((request) => (request.ask === 'serve' ? serve(request.limits) : memory()));
