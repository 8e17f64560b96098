import { failure, type MixedScript } from './libraries.ts';

/** Old and new processes of a fleet, at once; each says what is expected of it beside what happened. */
export const mixedScripts: Readonly<Record<string, MixedScript>> = {
  'a lock excludes those of the other library': async (theirs, ours) => {
    const held = await theirs.lock('shared').acquire();
    const refused = await failure(() => ours.lock('shared').acquire());
    await held.release();
    const taken = await ours.lock('shared').acquire();
    const alsoRefused = await failure(() => theirs.lock('shared').acquire());
    await taken.release();
    const names = [refused, alsoRefused].map((error) => (error as Error).constructor.name);
    return { seen: names, expected: ['EtcdLockFailedError', 'EtcdLockFailedError'] };
  },
  'leadership goes from one library to the other': async (theirs, ours) => {
    const seen: unknown[] = [];
    const observers = [
      await theirs.election('job').observe(),
      await ours.election('job').observe(),
    ];
    const allSee = (value: string | undefined) =>
      Promise.all(
        observers.map(async (observer) => {
          while (observer.leader() !== value) {
            await new Promise((resolve) => observer.once('change', resolve));
          }
        }),
      );
    const first = theirs.election('job').campaign('old');
    await first.wait();
    await allSee('old');
    const second = ours.election('job').campaign('new');
    await second.getCampaignKey();
    const third = theirs.election('job').campaign('old again');
    seen.push(await ours.election('job').leader());
    const secondLeads = second.wait();
    await first.resign();
    await secondLeads;
    await allSee('new');
    await second.proclaim('newer');
    await allSee('newer');
    seen.push(await theirs.election('job').leader());
    const thirdLeads = third.wait();
    await second.resign();
    await thirdLeads;
    await allSee('old again');
    seen.push(await ours.election('job').leader());
    await third.resign();
    await allSee(undefined);
    for (const observer of observers) await observer.cancel();
    return { seen, expected: ['old', 'newer', 'old again'] };
  },
  'software transactions of both count together': async (theirs, ours) => {
    await theirs.put('count').value(0);
    const add = (client: typeof theirs) =>
      client.stm({ retries: 1000 }).transact(async (tx) => {
        await tx.put('count').value(Number(await tx.get('count').number()) + 1);
      });
    const adding = Array.from({ length: 20 }, (_, at) => add(at % 2 === 0 ? theirs : ours));
    await Promise.all(adding);
    return { seen: await ours.get('count').number(), expected: 20 };
  },
};
