import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/logger.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { HttpReply } from './http-message.ts';
import { HttpRoutes, type HttpSources } from './http-routes.ts';

/** A member whose state a test sets directly. */
const member = {
  alarms: [] as string[],
  leader: true,
  learner: false,
  linearizable: null as Error | null,
  serializable: null as Error | null,
  cluster: '3.7.0' as string | undefined,
};

beforeEach(() => {
  Object.assign(member, { alarms: [], leader: true, learner: false, cluster: '3.7.0' });
  Object.assign(member, { linearizable: null, serializable: null });
});

async function settle(error: Error | null): Promise<void> {
  if (error !== null) {
    throw error;
  }
}

function sources(): HttpSources {
  return {
    health: {
      alarms: () => member.alarms,
      hasLeader: () => member.leader,
      isLearner: () => member.learner,
      linearizableRead: () => settle(member.linearizable),
      serializableRead: () => settle(member.serializable),
    },
    metrics: new Metrics({ detail: 'basic', serverVersion: '3.7.1' }),
    logger: silentLogger,
    versions: () => ({ server: '3.7.1', cluster: member.cluster, storage: member.cluster }),
    debugVars: () => ({ file_descriptor_limit: 5 }),
  };
}

const clientRoutes = HttpRoutes.forClients(sources(), { cors: ['*'], hostWhitelist: ['*'] });
const metricsRoutes = HttpRoutes.forMetrics(sources());

async function fetchFrom(
  routes: HttpRoutes,
  target: string,
  method = 'GET',
): Promise<HttpReply | undefined> {
  const routed = await routes.route({
    method,
    target,
    host: 'h',
    secure: false,
    header: () => undefined,
    body: async () => Buffer.alloc(0),
  });
  return routed.kind === 'reply' ? routed.reply : undefined;
}

async function get(target: string): Promise<[number | undefined, string | undefined]> {
  const reply = await fetchFrom(clientRoutes, target);
  return [reply?.status, reply?.body];
}

describe('/health', () => {
  it('is true for a member that has a leader and can read', async () => {
    expect(await get('/health')).toEqual([200, '{"health":"true","reason":""}']);
  });

  it.each([
    [{ alarms: ['NOSPACE'] }, '', 'ALARM NOSPACE'],
    [{ alarms: ['CORRUPT'] }, '?exclude=NOSPACE', 'ALARM CORRUPT'],
    [{ alarms: ['NEWTHING'] }, '', 'ALARM UNKNOWN'],
    [{ leader: false }, '', 'RAFT NO LEADER'],
    [
      { linearizable: new Error('etcdserver: request timed out') },
      '',
      'RANGE ERROR:etcdserver: request timed out',
    ],
    [{ serializable: new Error('gone') }, '?serializable=true', 'RANGE ERROR:gone'],
  ])('is false for %j with %j', async (state, query, reason) => {
    Object.assign(member, state);
    const body = `${JSON.stringify({ health: 'false', reason })}\n`;
    expect(await get(`/health${query}`)).toEqual([503, body]);
  });

  it.each([
    [{ alarms: ['NOSPACE'] }, '?exclude=NOSPACE'],
    [{ alarms: ['NOSPACE', 'CORRUPT'] }, '?exclude=NOSPACE&exclude=CORRUPT'],
    [{ leader: false, linearizable: new Error('x') }, '?serializable=true'],
  ])('is true for %j with %j', async (state, query) => {
    Object.assign(member, state);
    expect((await get(`/health${query}`))[0]).toBe(200);
  });
});

describe('/livez and /readyz', () => {
  it('say ok', async () => {
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
  });

  it('list their checks when verbose', async () => {
    expect(await get('/livez?verbose')).toEqual([200, '[+]serializable_read ok\nok\n']);
    const [, body] = await get('/readyz?verbose');
    expect(body?.trimEnd().split('\n').sort()).toEqual([
      '[+]data_corruption ok',
      '[+]linearizable_read ok',
      '[+]non_learner ok',
      '[+]serializable_read ok',
      'ok',
    ]);
  });

  it('always say what failed', async () => {
    member.linearizable = new Error('no leader');
    member.learner = true;
    const [status, body] = await get('/readyz');
    expect(status).toBe(503);
    expect(body).toContain('[-]linearizable_read failed: range error: no leader\n');
    expect(body).toContain('[-]non_learner failed: ');
    expect(body).toContain('[+]serializable_read ok\n');
    expect(await get('/livez')).toEqual([200, 'ok\n']);
  });

  it('leave out what is excluded', async () => {
    member.alarms = ['CORRUPT'];
    const [, excluded] = await get('/readyz?exclude=data_corruption&exclude=non_learner&verbose');
    expect(excluded).toBe('[+]serializable_read ok\n[+]linearizable_read ok\nok\n');
  });

  it('run a single check by path', async () => {
    member.alarms = ['CORRUPT'];
    expect(await get('/readyz/data_corruption')).toEqual([
      503,
      '[-]data_corruption failed: alarm activated: CORRUPT\n\n',
    ]);
    expect(await get('/readyz/linearizable_read?verbose')).toEqual([
      200,
      '[+]linearizable_read ok\nok\n',
    ]);
  });
});

describe('the other pages', () => {
  it('tell the versions, decided or not', async () => {
    const decided = '{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}';
    expect(await get('/version')).toEqual([200, decided]);
    member.cluster = undefined;
    const open = '{"etcdserver":"3.7.1","etcdcluster":"not_decided","storage":"unknown"}';
    expect(await get('/version')).toEqual([200, open]);
  });

  it('give metrics and debug variables', async () => {
    expect((await get('/metrics'))[1]).toContain('etcd_server_version{server_version="3.7.1"} 1');
    expect(await get('/debug/vars')).toEqual([200, '{"file_descriptor_limit":5}']);
  });

  it.each(['/health', '/livez', '/readyz/data_corruption', '/version'])(
    'only GET %s',
    async (path) => {
      const reply = await fetchFrom(clientRoutes, path, 'POST');
      expect(reply?.status).toBe(405);
      expect(reply?.headers).toContainEqual(['Allow', 'GET']);
    },
  );

  it.each(['/', '/nope', '/health/', '/livez/', '/livez/data_corruption', '/v3/kv/range', '/%zz'])(
    'leave %s to others',
    async (path) => {
      expect(await fetchFrom(clientRoutes, path)).toBeUndefined();
    },
  );

  it('understand the absolute form of a target', async () => {
    expect((await get('http://h:2379/livez?verbose'))[0]).toBe(200);
  });

  it('answer any OPTIONS with the CORS headers', async () => {
    const reply = await fetchFrom(clientRoutes, '/v3/kv/put', 'OPTIONS');
    expect(reply).toMatchObject({ status: 200, body: '' });
    expect(reply?.headers).toContainEqual(['Access-Control-Allow-Origin', '*']);
  });

  it('are fewer on a metrics listener, and without CORS', async () => {
    const found = await Promise.all(
      ['/metrics', '/health', '/livez', '/readyz'].map((path) => fetchFrom(metricsRoutes, path)),
    );
    expect(found.map((reply) => reply?.status)).toEqual([200, 200, 200, 200]);
    expect(found.flatMap((reply) => reply?.headers ?? []).map(([name]) => name)).not.toContain(
      'Access-Control-Allow-Origin',
    );
    expect(await fetchFrom(metricsRoutes, '/version')).toBeUndefined();
    expect(await fetchFrom(metricsRoutes, '/debug/vars')).toBeUndefined();
  });
});
