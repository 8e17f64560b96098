// A program of npm's etcd3 whose one change is the name of the package.

const { Etcd3 } = require('@kvorum/client/etcd3');

async function main([endpoint]) {
  const client = new Etcd3({ hosts: `http://${endpoint}` });
  await client.put('migrated').value('yes');
  const value = await client.lock('migration').do(() => client.get('migrated').string());
  console.log(`required by ${process.version}: ${value}`);
  client.close();
}

main(process.argv.slice(2));
