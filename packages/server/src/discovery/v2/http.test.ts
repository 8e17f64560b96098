import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../clock.ts';
import { nodeHttp } from './http.ts';
import { tokenKeys } from './token-keys.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/tkn`);
}

const http = (options: { proxy?: URL; stop?: AbortSignal } = {}) => {
  return nodeHttp({ clock: systemClock, stop: undefined, ...options });
};

const node = { key: '/tkn/a', value: 'v', createdIndex: 1, modifiedIndex: 1 };

describe('a discovery service over HTTP', () => {
  it('may be elsewhere: redirects are followed with the form', async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`);
        if (asked.length > 1) response.end(JSON.stringify({ node }));
        else response.writeHead(307, { location: '/there?prevExist=false' }).end();
      });
    });
    expect(await tokenKeys(url, http()).create('a', 'n=u')).toMatchObject({ name: 'a' });
    expect(asked).toEqual([
      'PUT /tkn/a?prevExist=false value=n%3Du',
      'PUT /there?prevExist=false value=n%3Du',
    ]);
  });

  it('is asked through a proxy', async () => {
    const proxy = await serve((request, response) => {
      response.end(JSON.stringify({ node: { ...node, value: request.url } }));
    });
    const keys = tokenKeys(new URL('http://nowhere.test:1/tkn/'), http({ proxy }));
    const { value } = await keys.get('_config/size');
    expect(value).toBe('http://nowhere.test:1/tkn/_config/size');
  });

  it('is told from what is none', async () => {
    const page = await serve((_, response) => response.end('<html>'));
    await expect(tokenKeys(page, http()).get('a')).rejects.toMatchObject({ name: 'ForeignAnswer' });
    const other = await serve((_, response) => response.writeHead(404).end('{"error":"no"}'));
    await expect(tokenKeys(other, http()).list()).rejects.toThrow('status 404 and no error code');
    const ill = await serve((_, response) => response.writeHead(503).end('no leader'));
    await expect(tokenKeys(ill, http()).list()).rejects.toMatchObject({
      name: 'ServiceFailure',
      message: 'the service answered with status 503: no leader',
    });
  });

  it('gives answers of bounded size', async () => {
    const url = await serve((_, response) => response.end('x'.repeat(2 ** 21)));
    await expect(tokenKeys(url, http()).list()).rejects.toThrow('longer than 1048576 bytes');
  });

  it('may end a wait with nothing; a signal ends it, too', async () => {
    let isFirst = true;
    const stop = new AbortController();
    const url = await serve((_, response) => {
      if (isFirst) response.end();
      else stop.abort(new Error('asked to'));
      isFirst = false;
    });
    const keys = tokenKeys(url, http({ stop: stop.signal }));
    expect(await keys.wait(undefined, 5)).toBeUndefined();
    await expect(keys.wait(undefined, 5)).rejects.toThrow('asked to');
  });
});
