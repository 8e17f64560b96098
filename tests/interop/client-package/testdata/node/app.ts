import { ClientError, compare, connect, json, op } from '@kvorum/client';

// A program that uses the client as its users do.

const [, , endpoint = ''] = process.argv;
const client = connect({ endpoints: [endpoint], timeoutMs: 10_000 });
const key = `package/${process.version}`;

const watch = client.watch(key);
await watch.opened;
await client.put(key, json({ n: 1 }));
const entry = await client.get(key);
const { n } = entry?.json<{ n: number }>() ?? { n: 0 };
const { succeeded } = await client
  .txn()
  .if(compare.missing(`${key}/other`))
  .then(op.put(`${key}/other`, 'x'))
  .commit();
const keys: string[] = [];
for await (const one of client.getAll({ prefix: key })) keys.push(one.keyString());
for await (const event of watch) {
  if (event.type === 'put') break;
}
{
  await using lease = await client.lease(60);
  await client.put(key, 'leased', { lease });
}
const isGone = (await client.get(key)) === undefined;
const code = await client.put('', 'x').then(
  () => 'none',
  (error: unknown) => (error instanceof ClientError ? error.code : 'other'),
);
client.close();
const result = [n, succeeded, keys.length, isGone, code].join(' ');
if (result !== '1 true 2 true emptyKey') throw new Error(`unexpected: ${result}`);
console.log(`Node ${process.version}: a put, a transaction, a range, a watch and a lease`);
