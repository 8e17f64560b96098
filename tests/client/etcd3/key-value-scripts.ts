import { failure, type Script } from './libraries.ts';

/** What users of npm's etcd3 do with keys and values, by a sentence for each. */
export const keyValueScripts: Readonly<Record<string, Script>> = {
  'a value is read as what is asked for': async (client) => {
    await client.put('text').value('grüße');
    await client.put('bytes').value(Buffer.from([0, 255]));
    await client.put('number').value(42);
    await client
      .put('json')
      .value(JSON.stringify({ a: [1] }))
      .exec();
    return [
      await client.get('text'),
      await client.get('text').string(),
      await client.get('bytes').buffer(),
      await client.get('bytes').string('hex'),
      await client.get('number').number(),
      await client.get('text').number(),
      await client.get('json').json(),
      await client.get('text').exists(),
      await client.get('missing').exists(),
      await client.get('missing').string(),
      await client.get('missing').buffer(),
      await client.get('missing').number(),
      await client.get('missing').json(),
      await failure(() => client.get('text').json()),
      await client.get('text').exec(),
      await client.get('missing').exec(),
    ];
  },
  'many keys are read as what is asked for': async (client) => {
    for (const key of ['a/1', 'a/2', 'a/3', 'b']) await client.put(key).value(key.length * 3);
    const all = () => client.getAll();
    return [
      await all(),
      await all().prefix('a/').keys(),
      await all().prefix('a/').keyBuffers(),
      await all().prefix('a/').strings(),
      await all().prefix('a/').numbers(),
      await all().prefix('a/').buffers(),
      await all().prefix('a/').json(),
      await all().prefix('a/').count(),
      await all().prefix('a/').limit(2).keys(),
      await all().limit(Number.POSITIVE_INFINITY).keys(),
      await all().prefix('a/').sort('Key', 'Descend').keys(),
      await all().sort('Mod', 'Ascend').limit(1).exec(),
      await all().inRange({ start: 'a/2', end: 'b' }).keys(),
      await all().inRange('b').keys(),
      await all().inRange({ prefix: 'b' }).keys(),
      await all()
        .inRange(client.range({ start: 'a/3', end: '\0' }))
        .keys(),
      await all().all().keys(),
      await all().prefix('nothing').strings(),
    ];
  },
  'reads are of a revision, and filtered': async (client) => {
    const first = await client.put('k').value('1');
    const second = await client.put('k').value('2');
    const { revision } = first.header;
    const after = String(BigInt(revision) + 1n);
    return [
      await client.get('k').revision(revision),
      await client.get('k').revision(Number(revision)).exec(),
      await client.get('k').serializable(true),
      await client.getAll().minModRevision(after).keys(),
      await client.getAll().maxModRevision(revision).keys(),
      await client.getAll().minCreateRevision(after).keys(),
      await client.getAll().maxCreateRevision(revision).keys(),
      second,
      await failure(() => client.get('k').revision(1_000_000_000)),
    ];
  },
  'writes tell what was there before': async (client) => [
    await client.put('k').value('1').getPrevious(),
    await client.put('k').value('2').getPrevious(),
    await client.put('k').value('3'),
    await client.put('k').touch(),
    await client.get('k').exec(),
    await failure(() => client.put('missing').touch()),
    await failure(() => client.put('missing').value('x').ignoreLease()),
    await failure(() => client.put('').value('x')),
    await failure(() => client.put('k').value('x').lease(404)),
  ],
  'keys are deleted': async (client) => {
    for (const key of ['a', 'b/1', 'b/2', 'c/1', 'c/2', 'd']) await client.put(key).value(key);
    return [
      await client.delete().key('a').getPrevious(),
      await client.delete().key('a'),
      await client.delete().prefix('b/'),
      await client.delete().inRange({ start: 'c/1', end: 'c/2' }),
      await client
        .delete()
        .range(client.range({ prefix: 'c/' }))
        .exec(),
      await client.getAll().keys(),
      await client.delete().all(),
      await client.getAll().count(),
      await failure(() => client.delete()),
    ];
  },
  'transactions compare, and take one branch': async (client) => {
    await client.put('k').value('1');
    const bump = (expected: string) =>
      client
        .if('k', 'Value', '==', expected)
        .and('k', 'Version', '>', 0)
        .and('other', 'Create', '===', 0)
        .then(client.put('k').value('2'), client.get('k'), client.delete().key('gone'))
        .else(client.get('k'), client.getAll().prefix('k'))
        .commit();
    return [
      await bump('1'),
      await bump('1'),
      await client.if('k', 'Mod', '!=', 0).then(client.put('x').value('y')).commit(),
      await client.if('k', 'Lease', '==', 0).then(client.delete().all()).commit(),
      await client.if('k', 'Create', '<', 5).commit(),
      await failure(() => client.if('k', 'Foo' as 'Mod', '==', 1)),
      await failure(() => client.if('k', 'Mod', '~' as '==', 1)),
      await failure(() =>
        client
          .if('k', 'Create', '==', 0)
          .then(client.put('a').value('1'), client.put('a').value('2'))
          .commit(),
      ),
    ];
  },
  'raw steps go into a transaction': async (client) =>
    client
      .if('k', 'Create', '==', 0)
      .then(
        { request_put: { key: Buffer.from('k'), value: Buffer.from('v') } },
        { request_range: { key: Buffer.from('k') } },
        { request_delete_range: { key: Buffer.from('k'), prev_kv: true } },
      )
      .commit(),
  'a namespace has keys of its own': async (client) => {
    const ours = client.namespace('ns/');
    const deep = ours.namespace(Buffer.from('deep/'));
    await client.put('outside').value('0');
    await ours.put('a').value('1');
    await deep.put('b').value('2');
    return [
      await client.getAll().keys(),
      await ours.getAll().strings(),
      await ours.getAll().all().count(),
      await deep.getAll().prefix('b').exec(),
      await ours.get('a').exec(),
      await ours.if('a', 'Value', '==', '1').then(ours.put('c').value('3')).commit(),
      await ours.delete().all(),
      await client.getAll().keys(),
      ours.prefix.toString(),
    ];
  },
  'ranges are compared': async (client, { Range }) => [
    client.range('a'),
    client.range({ prefix: 'a' }),
    client.range({ prefix: '' }),
    Range.prefix(Buffer.from([255, 255])),
    Range.prefix('a').includes('ab'),
    Range.prefix('a').includes('b'),
    new Range('a', 'c').compare(new Range('c', 'd')),
    new Range('c', 'd').compare(new Range('a', 'c')),
    new Range('a', 'd').compare(new Range('c', 'e')),
  ],
  'calls end at their deadlines, and with the client': async (client, { Etcd3 }) => {
    const other = new Etcd3();
    other.close();
    return [
      await client.get('k').options({ deadline: Date.now() + 60_000 }),
      await client.get('k').options({ deadline: new Date(Date.now() + 60_000) }),
      await failure(() => other.get('k')),
      await failure(() => new Etcd3({ hosts: [] })),
      // The last: npm's makes no calls for a while then.
      ((await failure(() => client.get('k').options({ deadline: 1 }))) as Error).constructor.name,
    ];
  },
};
