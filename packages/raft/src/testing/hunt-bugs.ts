import { registerHooks } from 'node:module';
import type { SimulationReport } from './index.ts';
import { type SeededBug, seededBugs } from './seeded-bugs.ts';

/*
 *     node --conditions=kvorum-source packages/raft/src/testing/hunt-bugs.ts [seeds] [steps] [part of a name]
 *
 * Runs the simulator on this package with one bug at a time built in, and prints which seed caught it: a line of JSON
 * for each bug. The sources are changed while they are loaded; the package itself knows nothing of this.
 */

/** What became of the hunt for one bug. */
export interface Hunt {
  readonly name: string;
  /** The seed that caught it, and how; undefined if none did. */
  readonly seed: number | undefined;
  readonly violation: string | undefined;
  readonly cpuMs: number;
}

const source = new URL('../', import.meta.url).href;

/** Modules with `?bug=n` load their own modules with it, and one of them is changed on the way. */
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const bug = /\?bug=\d+$/.exec(context.parentURL ?? '')?.[0];
    return bug === undefined ? resolved : { ...resolved, url: resolved.url + bug };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const number = /\?bug=(\d+)$/.exec(url)?.[1];
    const bug = number === undefined ? undefined : seededBugs[Number(number)];
    if (bug === undefined) return loaded;
    let text = String(loaded.source);
    if (url.startsWith(`${source}${bug.file}?`)) text = edited(text, bug);
    if (bug.needs !== undefined && url.startsWith(`${source}testing/sim-config.ts?`)) {
      for (const edit of favours[bug.needs]) text = edited(text, edit);
    }
    return { ...loaded, source: text };
  },
});

type Edit = Pick<SeededBug, 'find' | 'replace'>;

const plots: Edit = { find: 'plotShare: random.pick([0, 0.1, 0.3]),', replace: 'plotShare: 0.3,' };

/** What makes all groups such that some bugs matter. */
const favours: Readonly<Record<'leases' | 'changes', readonly Edit[]>> = {
  leases: [
    { find: 'const checkQuorum = random.chance(0.7);', replace: 'const checkQuorum = true;' },
    { find: 'const leases = checkQuorum && random.chance(0.5);', replace: 'const leases = true;' },
    plots,
  ],
  changes: [
    { find: 'changeShare: random.pick([0, 0, 0.02, 0.1]),', replace: 'changeShare: 0.1,' },
    plots,
  ],
};

function edited(text: string, { find, replace }: Edit): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`no single place for: ${find}`);
  return parts.join(replace);
}

async function hunt(index: number, seeds: number, steps: number): Promise<Hunt> {
  const { name } = seededBugs[index] as SeededBug;
  const began = process.cpuUsage();
  const { simulate } = (await import(`./simulator.ts?bug=${index}`)) as {
    simulate: (seed: number, steps: number) => SimulationReport;
  };
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage(began);
    return Math.round((user + system) / 1_000);
  };
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = simulate(seed, steps);
    if (violation !== undefined) return { name, seed, violation, cpuMs: cpuMs() };
  }
  return { name, seed: undefined, violation: undefined, cpuMs: cpuMs() };
}

const [seeds = '100', steps = '20000', part = ''] = process.argv.slice(2);
for (const [index, { name }] of seededBugs.entries()) {
  if (name.includes(part))
    console.log(JSON.stringify(await hunt(index, Number(seeds), Number(steps))));
}
