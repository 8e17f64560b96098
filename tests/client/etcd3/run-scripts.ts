// node --conditions=kvorum-source tests/client/etcd3/run-scripts.ts ENDPOINT
//
// Runs all scripts by npm's etcd3 and by ours on one server, and prints what came of them as JSON. A process of its own,
// since npm's etcd3 finds no 64-bit numbers where the test runner has changed how modules are found, and rounds them.

import { canonical } from './canonical.ts';
import { keyValueScripts } from './key-value-scripts.ts';
import { libraries, type Script } from './libraries.ts';
import { mixedScripts } from './mixed-scripts.ts';
import { recipeScripts } from './recipe-scripts.ts';
import { watchScripts } from './watch-scripts.ts';

const [, , endpoint = ''] = process.argv;
const hosts = `http://${endpoint}`;

/** A client for each: after errors that are meant to happen npm's makes no calls for a while. */
async function run(name: keyof typeof libraries, script: Script): Promise<unknown> {
  const client = new libraries[name].Etcd3({ hosts });
  const { header } = await client.delete().all();
  const outcome = await script(client, libraries[name]).catch((error: unknown) => error);
  client.close();
  return canonical(outcome, BigInt(header.revision));
}

const same: Record<string, unknown> = {};
const scripts = { ...keyValueScripts, ...recipeScripts, ...watchScripts };
for (const [name, script] of Object.entries(scripts)) {
  same[name] = { theirs: await run('theirs', script), ours: await run('ours', script) };
}
const theirs = new libraries.theirs.Etcd3({ hosts });
const ours = new libraries.ours.Etcd3({ hosts });
const mixed: Record<string, unknown> = {};
for (const [name, script] of Object.entries(mixedScripts)) {
  await ours.delete().all();
  const outcome = await script(theirs, ours).catch((error: unknown) => error);
  mixed[name] = canonical(outcome, 0n);
}
theirs.close();
ours.close();
// npm's leases leave timers behind that would keep the process for as long as they lived.
process.stdout.write(JSON.stringify({ same, mixed }), () => process.exit());
