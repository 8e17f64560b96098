import type { HttpExchange } from '@kvorum/h2';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/logger.ts';
import { Metrics } from '../metrics/metrics.ts';
import { type ExchangeFallback, exchangeListener } from './exchange-listener.ts';
import { HttpRoutes } from './http-routes.ts';

const routes = HttpRoutes.forClients(
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
  { cors: ['https://good'], hostWhitelist: ['good'] },
);

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Lets the listener answer one request; only the parts of an exchange it looks at exist. */
function exchange(path: string, authority: string, fallback?: ExchangeFallback): Promise<Answer> {
  return new Promise((resolve) => {
    const request = {
      method: 'GET',
      path,
      scheme: 'http',
      authority,
      headers: { get: (name: string) => (name === 'origin' ? 'https://good' : undefined) },
      async respond(status: number, headers: Iterable<[string, string]>, body?: Uint8Array) {
        resolve({ status, headers: Object.fromEntries(headers), body: String(body) });
      },
    };
    exchangeListener(routes, fallback)(request as unknown as HttpExchange);
  });
}

describe('exchangeListener', () => {
  it('answers the plain pages with lower-case headers', async () => {
    const { status, headers, body } = await exchange('/livez?verbose', 'good:2379');
    expect([status, body]).toEqual([200, '[+]serializable_read ok\nok\n']);
    expect(headers['content-length']).toBe(String(body.length));
    expect(headers['access-control-allow-origin']).toBe('https://good');
    expect(Object.keys(headers).filter((name) => /[A-Z]/.test(name))).toEqual([]);
  });

  it('refuses an authority nobody expects', async () => {
    expect((await exchange('/livez', 'evil:2379')).status).toBe(421);
  });

  it('answers 404 to other paths, unless somebody else answers', async () => {
    expect((await exchange('/x', 'good')).status).toBe(404);
    const { status, headers } = await exchange('/x', 'good', (request, cors) => {
      void request.respond(204, cors);
    });
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('https://good');
  });
});
