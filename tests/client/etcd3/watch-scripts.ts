import type { Script } from './libraries.ts';

/** What they do with watches. */
export const watchScripts: Readonly<Record<string, Script>> = {
  'a watch tells of puts and deletions': async (client) => {
    const watcher = await client.watch().prefix('w/').withPreviousKV().create();
    const events: unknown[] = [];
    let data = 0;
    const done = new Promise<void>((resolve) => {
      watcher.on('put', (kv, previous) => events.push(['put', kv, previous]));
      watcher.on('delete', (kv, previous) => {
        events.push(['delete', kv, previous]);
        if (events.length === 5) setImmediate(resolve);
      });
      watcher.on('data', (response) => {
        data += response.events.length;
      });
    });
    await client.put('w/a').value('1');
    await client.put('elsewhere').value('1');
    await client.put('w/a').value('2');
    await client.delete().key('w/a');
    await client.if('w/a', 'Create', '==', 0).then(client.put('w/b').value('3')).commit();
    await client.delete().key('w/b');
    await done;
    const ended = new Promise((resolve) => watcher.once('end', () => resolve('end')));
    const before = watcher.lastRevision();
    await watcher.cancel();
    return { events, data, revision: before, ended: await ended };
  },
  'a watch goes back, and takes one kind alone': async (client) => {
    const first = await client.put('k').value('1');
    await client.put('k').value('2');
    await client.delete().key('k');
    const { revision } = first.header;
    const watcher = await client.watch().key('k').only('delete').startRevision(revision).create();
    const event = await new Promise((resolve) => {
      watcher.once('delete', (kv, previous) => resolve([kv, previous]));
    });
    await watcher.cancel();
    return event;
  },
  'a watch of a namespace has its keys': async (client) => {
    const ours = client.namespace('ns/');
    const watcher = await ours.watch().inRange({ start: 'a', end: 'c' }).create();
    const event = new Promise((resolve) => watcher.once('put', resolve));
    await client.put('b').value('0');
    await ours.put('c').value('0');
    await ours.put('b').value('1');
    const seen = await event;
    await watcher.cancel();
    return seen;
  },
};
