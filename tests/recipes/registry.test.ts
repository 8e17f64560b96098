import { type Instance, ServiceBalancer, ServiceRegistry } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { describeServers } from './servers.ts';

const addresses = (instances: readonly Instance[]) => instances.map(({ address }) => address);

describeServers('a registry of services', (client) => {
  it('finds what is registered, until it is closed', async () => {
    const registry = new ServiceRegistry(client());
    await using one = await registry.register('web', {
      id: 'one',
      address: '10.0.0.1:80',
      metadata: { zone: 'a' },
    });
    await using two = await registry.register('web', { address: '10.0.0.2:80' });
    await using _other = await registry.register('web2', { address: '10.0.0.3:80' });
    const found = await registry.resolve('web');
    expect(found).toMatchObject([
      { id: 'one', address: '10.0.0.1:80', metadata: { zone: 'a' }, health: 'serving' },
      { id: two.id, address: '10.0.0.2:80', metadata: undefined, health: 'serving' },
    ]);
    // As etcd's client for Go writes it.
    const value = await client().get('services/web/one');
    expect(value?.json()).toMatchObject({ Op: 0, Addr: '10.0.0.1:80', Metadata: { zone: 'a' } });
    await one.close();
    await one.close();
    expect(addresses(await registry.resolve('web'))).toEqual(['10.0.0.2:80']);
    await client().put('services/web/foreign', 'no instance');
    await client().put('services/web/null', 'null');
    expect(addresses(await registry.resolve('web'))).toEqual(['10.0.0.2:80']);
  });

  it('leaves out those that say they cannot serve', async () => {
    const registry = new ServiceRegistry(client(), { prefix: 'other/' });
    await using one = await registry.register('web', { address: 'one' });
    await one.setHealth('notServing');
    expect(await registry.resolve('web')).toEqual([]);
    expect(addresses(await registry.resolve('web', { unhealthy: true }))).toEqual(['one']);
    await one.update({ metadata: { weight: 2 } });
    await one.setHealth('serving');
    expect(await registry.resolve('web')).toMatchObject([{ metadata: { weight: 2 } }]);
  });

  it('asks whether an instance can serve', async () => {
    const registry = new ServiceRegistry(client());
    let answer = true;
    const check = () => {
      if (answer) return true;
      throw new Error('the database is away');
    };
    const options = { check, checkIntervalMs: 20 };
    await using one = await registry.register('web', { address: 'one' }, options);
    answer = false;
    await eventually('it is left out', async () => (await registry.resolve('web')).length === 0);
    expect(one.health).toBe('notServing');
    answer = true;
    await eventually('it is back', async () => (await registry.resolve('web')).length === 1);
  });

  it('tells how the instances change', async () => {
    const registry = new ServiceRegistry(client());
    const left = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const instances of registry.watch('web', { signal: left.signal })) {
        seen.push(addresses(instances).join(' '));
      }
    })();
    const failed = expect(watching).rejects.toMatchObject({ code: 'aborted' });
    await eventually('nobody is there', () => seen.at(-1) === '');
    await using _one = await registry.register('web', { address: 'one' });
    await eventually('one is there', () => seen.at(-1) === 'one');
    const two = await registry.register('web', { address: 'two' });
    await eventually('two are there', () => seen.at(-1) === 'one two');
    await two.close();
    await eventually('one is left', () => seen.at(-1) === 'one');
    left.abort();
    await failed;
  });

  it('has an instance back that has lost its lease', async () => {
    const registry = new ServiceRegistry(client());
    const options = { ttlSeconds: 3 };
    await using one = await registry.register('web', { address: 'one' }, options);
    const lease = (await client().get(one.key))?.lease ?? 0n;
    await client().leases.revoke(lease);
    expect(await registry.resolve('web')).toEqual([]);
    await eventually('it is back', async () => (await registry.resolve('web')).length === 1);
    expect((await client().get(one.key))?.lease).not.toBe(lease);
  });

  it('is balanced over, by who is least busy or in turn', async () => {
    const registry = new ServiceRegistry(client());
    await using balancer = new ServiceBalancer(registry, 'web');
    await balancer.known;
    expect(() => balancer.pick()).toThrow(expect.objectContaining({ code: 'noInstance' }));
    await using _one = await registry.register('web', { address: 'one' });
    await using _two = await registry.register('web', { address: 'two' });
    const three = await registry.register('web', { address: 'three' });
    await eventually('three are known', () => balancer.instances.length === 3);
    const busy = balancer.pick();
    const picked = Array.from({ length: 4 }, () => {
      using pick = balancer.pick();
      return pick.instance.address;
    });
    // The busy one is spared, the others take turns.
    expect(picked).not.toContain(busy.instance.address);
    expect(new Set(picked).size).toBe(2);
    busy[Symbol.dispose]();
    busy[Symbol.dispose]();
    await using inTurn = new ServiceBalancer(registry, 'web', { policy: 'roundRobin' });
    await inTurn.known;
    const turns = Array.from({ length: 6 }, () => inTurn.pick().instance.address);
    expect(turns).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
    await three.close();
    await eventually('it is gone', () => balancer.instances.length === 2);
  });
});
