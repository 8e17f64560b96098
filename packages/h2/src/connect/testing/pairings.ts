import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectRouterOptions, Interceptor, Transport } from '@connectrpc/connect';
import {
  connectNodeAdapter,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { GrpcClient } from '../../grpc/client.ts';
import { GrpcServer } from '../../grpc/server.ts';
import type { Limits } from '../../limits.ts';
import { nodeClock } from '../../node-clock.ts';
import { memoryDuplexPair } from '../../testing/memory-duplex.ts';
import { connectServices } from '../connect-services.ts';
import { createH2Transport, type H2TransportOptions } from '../transport.ts';
import { WordsService } from './words.ts';

/** What is spoken: a protocol and a message format. */
export type Dialect = Pick<Required<H2TransportOptions>, 'protocol' | 'useBinaryFormat'>;

/** Two that talk; both are ended by `close`. */
export interface Pairing {
  readonly service: WordsService;
  readonly transport: Transport;
  close(): Promise<void>;
}

export interface PairingOptions {
  readonly server?: ConnectRouterOptions;
  readonly limits?: Partial<Limits>;
  readonly interceptors?: readonly Interceptor[];
  readonly client?: Partial<H2TransportOptions>;
}

/** Makes two that talk a dialect. */
export type MakePairing = (dialect: Dialect, options?: PairingOptions) => Promise<Pairing>;

/** This package at both ends, with memory in between. */
export const oursWithOurs: MakePairing = async (dialect, options = {}) => {
  const service = new WordsService();
  const server = ourServer(service, options);
  const client = ourClient('test', async () => {
    const [near, far] = memoryDuplexPair();
    server.accept(far);
    return near;
  });
  const { interceptors = [] } = options;
  return {
    service,
    transport: createH2Transport({ client, interceptors, ...dialect, ...options.client }),
    close: async () => {
      client.close();
      server.close();
    },
  };
};

/** A client of connect-node, over TCP. */
export const oursWithConnectNode: MakePairing = async (dialect, options = {}) => {
  const service = new WordsService();
  const server = ourServer(service, options);
  const listener = createServer((socket) => server.accept(socket));
  const baseUrl = `http://${await listen(listener)}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const { useBinaryFormat } = dialect;
  const interceptors = [...(options.interceptors ?? [])];
  const common = { baseUrl, sessionManager, useBinaryFormat, interceptors };
  const transports: Record<Dialect['protocol'], () => Transport> = {
    grpc: () => createGrpcTransport(common),
    'grpc-web': () => createGrpcWebTransport({ ...common, httpVersion: '2' }),
    connect: () => createConnectTransport({ ...common, httpVersion: '2' }),
  };
  return {
    service,
    transport: transports[dialect.protocol](),
    close: async () => {
      sessionManager.abort();
      server.close();
      await close(listener);
    },
  };
};

/** A server of connect-node, over TCP. */
export const connectNodeWithOurs: MakePairing = async (dialect, options = {}) => {
  const service = new WordsService();
  const adapter = connectNodeAdapter({ ...options.server, routes: service.routes });
  const listener = createHttp2Server(adapter);
  const authority = await listen(listener);
  const [host = '', port] = authority.split(':');
  const client = ourClient(authority, async () => connect(Number(port), host));
  const { interceptors = [] } = options;
  return {
    service,
    transport: createH2Transport({ client, interceptors, ...dialect, ...options.client }),
    close: async () => {
      client.close();
      await close(listener);
    },
  };
};

function ourServer(service: WordsService, options: PairingOptions): GrpcServer {
  return new GrpcServer({
    clock: nodeClock,
    limits: options.limits ?? {},
    ...connectServices(service.routes, options.server),
  });
}

function ourClient(authority: string, dial: () => Promise<Duplex>): GrpcClient {
  return new GrpcClient({ authority, dial, clock: nodeClock, random: () => 0.5 });
}

async function listen(server: Pick<Server, 'listen' | 'address'>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return `127.0.0.1:${port}`;
}

function close(server: { close(callback: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
