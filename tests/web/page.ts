import { ClientError, connect, prefixEnd } from '@kvorum/client/web';

// What a page does that uses Kvorum from a browser; run by browser.test.ts, which gets the report.

declare const location: { readonly search: string };
declare const report: (value: unknown) => void;

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

const query = new URLSearchParams(location.search);
const password = query.get('password');
const client = connect({
  endpoints: query.getAll('endpoint'),
  timeoutMs: 10_000,
  ...(password === null ? {} : { credentials: { name: 'root', password } }),
});
const keyCount = 300;

/** Writes keys, and reads them all again in pages of one revision. */
async function readInPages() {
  const puts = Array.from({ length: keyCount }, (_, index) => client.put(`page/${index}`, 'x'));
  await Promise.all(puts);
  let pages = 0;
  let keys = 0;
  const revisions = new Set<bigint>();
  for await (const { entries, revision } of client.getAll({ prefix: 'page/' }).pages()) {
    pages += 1;
    keys += entries.length;
    revisions.add(revision);
  }
  return { hasSeveralPages: pages > 1, keys, revisions: revisions.size };
}

/** The same by a call that the server streams. */
async function readAsStream() {
  let keys = 0;
  const range = { key: bytes('page/'), rangeEnd: prefixEnd(bytes('page/')) };
  for await (const { rangeResponse } of client.rpc.kv.rangeStream(range)) {
    keys += rangeResponse?.kvs.length ?? 0;
  }
  return keys;
}

/** Watches two keys on one stream, the second from when the first has been seen. */
async function watch() {
  const seen: string[] = [];
  const stream = client.rpc.watch.watch();
  const create = (key: string) => {
    stream.send({ requestUnion: { case: 'createRequest', value: { key: bytes(key) } } });
  };
  create('watched/a');
  for await (const { created, events, watchId } of stream) {
    if (created && watchId === 0n) await client.put('watched/a', '1');
    if (created && watchId === 1n) {
      await client.put('watched/b', '2');
      await client.put('watched/a', '3');
    }
    for (const { kv } of events) seen.push(`${watchId} ${text(kv?.key)}=${text(kv?.value)}`);
    if (seen.length === 1) create('watched/b');
    if (seen.length === 3) break;
  }
  return seen.sort();
}

/** The same by the client's own watch. */
async function watchPrefix() {
  const seen: string[] = [];
  const watching = client.watch({ prefix: 'followed/' });
  await watching.opened;
  await client.put('followed/a', '1');
  await client.delete('followed/a');
  for await (const { type, entry } of watching) {
    seen.push(`${type} ${entry.keyString()}`);
    if (seen.length === 2) break;
  }
  return seen;
}

async function keepLeaseAlive() {
  await using lease = await client.lease(60);
  await client.put('leased', 'x', { lease });
  const renewals = client.rpc.lease.leaseKeepAlive();
  renewals.send({ ID: lease.id });
  const ttls: number[] = [];
  for await (const { TTL } of renewals) {
    ttls.push(Number(TTL));
    if (ttls.length === 2) break;
    renewals.send({ ID: lease.id });
  }
  return ttls;
}

async function makeMistake() {
  try {
    await client.put('', 'x');
    return 'nothing';
  } catch (error) {
    return error instanceof ClientError ? error.code : String(error);
  }
}

const value = {
  pages: await readInPages(),
  streamed: await readAsStream(),
  watched: await watch(),
  followed: await watchPrefix(),
  ttls: await keepLeaseAlive(),
  leasedAfterwards: (await client.get('leased')) ?? null,
  mistake: await makeMistake(),
};
client.close();
report(value);
