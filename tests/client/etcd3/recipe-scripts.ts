import { failure, type Script } from './libraries.ts';

/** What they do with leases, locks, elections and software transactions. */
export const recipeScripts: Readonly<Record<string, Script>> = {
  'a lease takes its keys with it': async (client, { LeaseState }) => {
    const lease = client.lease(100);
    const states = [lease.state === LeaseState.Pending];
    const put = await lease.put('k').value('v');
    const leaseId = await lease.grant();
    states.push(lease.state === LeaseState.Alive, lease.revoked());
    const kept = await lease.keepaliveOnce();
    const entry = await client.get('k').exec();
    await lease.revoke();
    await lease.revoke();
    states.push(lease.state === LeaseState.Revoked, lease.revoked());
    return { put, leaseId, kept, entry, states, exists: await client.get('k').exists() };
  },
  'a lease is lost once for all to hear': async (client) => {
    const lease = client.lease(100, { autoKeepAlive: false });
    const leaseId = await lease.grant();
    const other = await client.put('k').value('v').lease(leaseId);
    const lost: unknown[] = [];
    lease.on('lost', (error) => lost.push(error));
    const revoking = client.lease(100);
    await revoking.grant();
    await client.put('other').value('w').lease(revoking.grant());
    await revoking.revoke();
    return [other, lost, await client.getAll().keys(), await failure(() => client.lease(0))];
  },
  'writes find out that their lease is gone': async (client) => {
    const lease = client.lease(100, { autoKeepAlive: false });
    const id = await lease.grant();
    const lost: unknown[] = [];
    lease.on('lost', (error) => lost.push((error as Error).constructor.name));
    // Somebody else ends it: a lock's lease has no other way to be ended from outside than by its id.
    const key = `gone-${id}`;
    await lease.put(key).value('v');
    await lease.revoke();
    return [
      await client.get(key).exists(),
      await failure(() => client.put('k').value('x').lease(id)),
    ];
  },
  'a lock has one holder': async (client) => {
    const lock = client.lock('resource').ttl(100);
    const before = await lock.leaseId();
    const same = (await lock.acquire()) === lock;
    const entry = await client.get('resource').exec();
    const refused = await failure(() => client.lock('resource').acquire());
    const late = await failure(() => lock.ttl(5));
    await lock.release();
    const free = await client.get('resource').exists();
    const result = await client.lock('resource').do(async () => {
      return [await client.get('resource').exists(), 'done'];
    });
    const thrown = await failure(() =>
      client.lock('resource').do(() => Promise.reject(new Error('mine'))),
    );
    const unheld = await failure(() => client.lock('other').release());
    const rest = await client.getAll().keys();
    return { before, same, entry, refused, late, free, result, thrown, unheld, rest };
  },
  'a software transaction reads what it writes': async (client) => {
    await client.put('a').value(10);
    const result = await client.stm().transact(async (tx) => {
      const before = await tx.get('a').number();
      await tx.put('a').value((before ?? 0) + 1);
      await tx.put('b').value('new');
      const seen = [await tx.get('a').number(), await tx.get('b').string()];
      await tx.delete().key('b');
      return [before, seen, await tx.get('b').string(), await tx.get('missing').string()];
    });
    return [result, await client.getAll().strings()];
  },
  'a software transaction is run again after a conflict': async (client) => {
    await client.put('a').value(1);
    let runs = 0;
    const sum = await client.stm().transact(async (tx) => {
      const value = Number(await tx.get('a').number());
      runs += 1;
      if (runs === 1) await client.put('a').value(100);
      await tx.put('a').value(value + 1);
      return value + 1;
    });
    const endless = await failure(() =>
      client.stm({ retries: 1, prefetch: ['a'] }).transact(async (tx) => {
        const value = Number(await tx.get('a').number());
        await client.put('a').value(value + 1);
        await tx.put('a').value(0);
      }),
    );
    return [runs, sum, endless, await client.get('a').number()];
  },
  'a software transaction throws what its function throws': async (client) => [
    await client.put('there').value(''),
    await failure(() =>
      client.stm().transact(async (tx) => {
        await tx.put('a').value(1);
        throw new Error('mine');
      }),
    ),
    await failure(() => client.stm().transact((tx) => tx.put('a').value(1).getPrevious())),
    await failure(() =>
      client.stm().transact(async (tx) => {
        await tx.get('there');
        await tx.delete().prefix('a');
      }),
    ),
    await client.getAll().keys(),
  ],
  'each isolation commits what does not conflict': async (client) => {
    const outcomes: unknown[] = [];
    for (const isolation of [0, 1, 2, 3] as const) {
      await client.delete().all();
      await client.put('a').value(1);
      const transfer = client.namespace('').stm({ isolation, retries: 0 });
      const outcome = await transfer.transact(async (tx) => {
        const value = Number(await tx.get('a').number());
        await tx.put('a').value(value + 1);
        await tx.delete().key('b');
        return value;
      });
      const torn = await failure(() =>
        client.stm({ isolation, retries: 0 }).transact(async (tx) => {
          const value = Number(await tx.get('a').number());
          await client.put('a').value(50);
          await tx.put('a').value(value + 1);
          return 'written';
        }),
      );
      outcomes.push([outcome, torn, await client.getAll().strings()]);
    }
    return outcomes;
  },
  'one of the candidates leads': async (client) => {
    const election = client.election('job', 100);
    const empty = await election.leader();
    const first = election.campaign('one');
    await first.wait();
    const second = election.campaign('two');
    const key = await second.getCampaignKey();
    const led = [await election.leader(), await election.leader('buffer')];
    await first.proclaim('one, changed');
    const changed = await election.leader();
    await first.resign();
    const late = await failure(() => first.proclaim('again'));
    await second.wait();
    const last = await election.leader();
    const keys = await client.getAll().prefix('election/job/').keys();
    const isKey = keys[0] === key;
    await second.resign();
    const gone = await election.leader();
    return [empty, led, changed, (late as Error).constructor.name, last, isKey, gone];
  },
  'observers see who leads': async (client) => {
    const election = client.election('job', 100);
    const observer = await election.observe();
    const seen: unknown[] = [observer.hasLeader, observer.leader()];
    const next = () => new Promise((resolve) => observer.once('change', resolve));
    let change = next();
    const first = election.campaign('one');
    await first.wait();
    seen.push(await change, observer.leader(), observer.hasLeader);
    change = next();
    await first.proclaim('other');
    seen.push(await change, observer.leader('buffer'));
    change = next();
    await first.resign();
    seen.push(await change, observer.leader());
    await observer.cancel();
    return seen;
  },
};
