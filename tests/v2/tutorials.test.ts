import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { parseStep } from './key-requests.ts';
import { send } from './raw-request.ts';

// What tutorials of etcd v2 show with curl: exclusive locks and ordered queues.

interface V2Node {
  readonly key: string;
  readonly value?: string;
  readonly nodes?: readonly V2Node[];
  readonly modifiedIndex: number;
}

interface Answer {
  readonly status: number;
  readonly index: number;
  readonly errorCode?: number;
  readonly action?: string;
  readonly node?: V2Node;
  readonly prevNode?: V2Node;
}

describe('with the v2 keys', () => {
  let member: TestMember;
  beforeAll(async () => {
    member = await startKvorum({ flags: ['--enable-v2'] });
  });
  afterAll(() => member[Symbol.asyncDispose]());

  async function ask(line: string): Promise<Answer> {
    const { status, headers, body } = await send(member.url, parseStep(line));
    return { status, index: Number(headers['x-etcd-index']), ...JSON.parse(body) };
  }

  it('contenders hold a lock one after the other', async () => {
    const order: string[] = [];
    let holders = 0;
    const contend = async (name: string) => {
      for (;;) {
        const tried = await ask(`PUT /lock prevExist=false&ttl=60&value=${name}`);
        if (tried.status === 201) break;
        expect(tried.errorCode).toBe(105);
        // Waits for the end of what was in the way, also if that has come meanwhile.
        await ask(`GET /lock?wait=true&waitIndex=${tried.index + 1}`);
      }
      holders += 1;
      expect(holders).toBe(1);
      order.push(name);
      expect((await ask(`PUT /lock prevValue=${name}&refresh=true&ttl=60`)).status).toBe(200);
      expect((await ask('DELETE /lock?prevValue=somebody')).errorCode).toBe(101);
      holders -= 1;
      expect((await ask(`DELETE /lock?prevValue=${name}`)).action).toBe('compareAndDelete');
    };
    const names = Array.from({ length: 8 }, (_, i) => `client${i}`);
    await Promise.all(names.map(contend));
    expect(order.toSorted()).toEqual(names);
  });

  it('a lock goes to somebody else when its holder does not renew it', async () => {
    const taken = await ask('PUT /lease prevExist=false&ttl=1&value=lost');
    expect(taken.status).toBe(201);
    const next = await ask(`GET /lease?wait=true&waitIndex=${taken.index + 1}`);
    expect([next.action, next.prevNode?.value]).toEqual(['expire', 'lost']);
    expect((await ask('PUT /lease prevExist=false&ttl=60&value=next')).status).toBe(201);
    expect((await ask('PUT /lease prevValue=lost&refresh=true&ttl=60')).errorCode).toBe(101);
  });

  it('jobs of a queue are taken in order, each once', async () => {
    const jobs = Array.from({ length: 40 }, (_, i) => `job${String(i).padStart(2, '0')}`);
    for (const job of jobs) expect((await ask(`POST /jobs value=${job}`)).status).toBe(201);
    const done: string[] = [];
    const worker = async () => {
      for (;;) {
        const { node } = await ask('GET /jobs?recursive=true&sorted=true');
        const first = node?.nodes?.[0];
        if (first === undefined) return;
        const claim = await ask(`DELETE ${first.key}?prevIndex=${first.modifiedIndex}`);
        if (claim.action === 'compareAndDelete') done.push(claim.prevNode?.value ?? '');
        else expect(claim.errorCode).toBe(100);
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(done.toSorted()).toEqual(jobs);
    const alone = await ask('POST /jobs value=last');
    await worker();
    expect(done.at(-1)).toBe('last');
    expect(alone.node?.key).toMatch(/^\/jobs\/\d{20}$/);
  });

  it('services are known while they renew their entry', async () => {
    await ask('PUT /services/web dir=true');
    await ask('PUT /services/web/one ttl=1&value=10.0.0.1');
    const lasting = await ask('PUT /services/web/two ttl=60&value=10.0.0.2');
    const gone = await ask(
      `GET /services/web?wait=true&recursive=true&waitIndex=${lasting.index + 1}`,
    );
    expect([gone.action, gone.node?.key]).toEqual(['expire', '/services/web/one']);
    const { node } = await ask('GET /services/web');
    expect(node?.nodes?.map(({ value }) => value)).toEqual(['10.0.0.2']);
  });
});
