import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/logger.ts';
import { Metrics } from '../metrics/metrics.ts';
import { HttpRoutes } from './http-routes.ts';
import {
  type NodeFallback,
  type NodeListener,
  nodeListener,
  nodeRequest,
} from './node-listener.ts';

const listener: NodeListener = nodeListener(
  HttpRoutes.forClients(
    {
      health: {
        alarms: () => [],
        hasLeader: () => true,
        isLearner: () => false,
        linearizableRead: async () => {},
        serializableRead: async () => {},
      },
      metrics: new Metrics({ detail: 'basic', serverVersion: '3.7.1' }),
      logger: silentLogger,
      versions: () => ({ server: '3.7.1', cluster: undefined, storage: undefined }),
      debugVars: () => ({}),
    },
    { cors: ['*'], hostWhitelist: ['127.0.0.1'] },
  ),
);

let closeServer = async (): Promise<void> => {};
afterEach(() => closeServer());

async function serve(fallback?: NodeFallback): Promise<string> {
  const server: Server = createServer((request, response) => listener(request, response, fallback));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeServer = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('nodeListener', () => {
  it('serves a page with its headers', async () => {
    const response = await fetch(`${await serve()}/health`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.text()).toBe('{"health":"true","reason":""}');
  });

  it('answers HEAD without a body', async () => {
    const response = await fetch(`${await serve()}/metrics`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1000);
    expect(await response.text()).toBe('');
  });

  it('answers 404 to what nobody serves', async () => {
    const response = await fetch(`${await serve()}/v2/keys`);
    expect(response.status).toBe(404);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.text()).toBe('404 page not found\n');
  });

  it('hands other paths on with body and CORS headers', async () => {
    const url = await serve((request, response) => {
      void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
    });
    const response = await fetch(`${url}/v3/kv/put`, { method: 'POST', body: 'abc' });
    expect(await response.text()).toBe('POST /v3/kv/put abc');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('collects a body, whole or not at all, and goes on with the connection', async () => {
    const url = await serve((request, response) => {
      void nodeRequest(request)
        .body(5)
        .then((body) => response.end(`${body}`));
    });
    const answers: string[] = [];
    for (const body of ['', 'abc', 'abcde', 'abcdef', 'x'.repeat(1_000_000), 'fine']) {
      const response = await fetch(`${url}/v3/any`, { method: 'POST', body });
      answers.push(await response.text());
    }
    expect(answers).toEqual(['', 'abc', 'abcde', 'undefined', 'undefined', 'fine']);
  });

  it('says of a body when its client has left', async () => {
    const failed = Promise.withResolvers<unknown>();
    const url = await serve((request) => {
      request.socket.on('error', () => {});
      nodeRequest(request).body(5).catch(failed.resolve);
    });
    const client = net.connect(Number(new URL(url).port), '127.0.0.1');
    client.write('POST /v3/any HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nab');
    await once(client, 'connect');
    client.end();
    expect(await failed.promise).toBeInstanceOf(Error);
    client.destroy();
  });

  it('refuses other hosts before anything else', async () => {
    const url = await serve();
    const response = await fetch(`${url.replace('127.0.0.1', 'localhost')}/health`);
    expect(response.status).toBe(421);
  });

  it('serves the compatible requests of node:http2', async () => {
    const server = createHttp2Server((request, response) => {
      listener(request as never, response as never);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closeServer = async () => {
      session.close();
      server.close();
      await once(server, 'close');
    };
    const stream = session.request({ ':path': '/livez' });
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(200);
    expect(await text(stream)).toBe('ok\n');
  });
});
