import { type Client, connect, json } from '@kvorum/client/web';
import { Election, Mutex, Session, stm } from '@kvorum/recipes';

// A page that writes keys, shows them and what becomes of them, and has a lock.

/** Told what the page has seen, where somebody runs it who wants to know. */
declare const report: ((value: unknown) => void) | undefined;

const endpoints = new URLSearchParams(location.search).getAll('endpoint');
const client: Client = connect({ endpoints: endpoints.length > 0 ? endpoints : [location.origin] });
const list = document.createElement('ul');
document.body.append(list);

function show(text: string): void {
  const item = document.createElement('li');
  item.textContent = text;
  list.append(item);
}

await client.put('config/a', json({ cores: 2 }));
await client.put('config/b', 'text');
for await (const entry of client.getAll({ prefix: 'config/' })) show(entry.keyString());

const watch = client.watch({ prefix: 'config/' });
await watch.opened;
await client.delete('config/a');
for await (const event of watch) {
  show(`${event.type} ${event.entry.keyString()}`);
  break;
}

const session = await Session.open(client, { ttlSeconds: 15 });
const lock = await new Mutex(session, 'locks/page').lock();
const { succeeded } = await lock.guard(client.txn()).commit();
show(`locked: ${succeeded && lock.token > 0n}`);
await lock.release();
const leadership = await new Election(session, 'elections/page').campaign('a page');
show(`leads: ${(await new Election(session, 'elections/page').leader())?.string() ?? 'nobody'}`);
await leadership.resign();
await session.close();
const { result } = await stm(client, async (tx) => {
  const visits = Number((await tx.get('visits'))?.string() ?? 0) + 1;
  tx.put('visits', String(visits));
  return visits;
});
show(`visit ${result}`);
client.close();

if (typeof report !== 'undefined') {
  report([...list.children].map((item) => item.textContent));
}
