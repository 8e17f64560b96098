/**
 * Honest calls beside abuse: an echo server, a client with 1,000 calls/s, and an attacker, each a process
 * of its own, once for every attack of `attacks.ts`.
 *
 *     node packages/h2/bench/abuse/run.ts [--seconds 10] [--only NAME]
 *
 * The baseline is measured right before, for as long, with the attacker idle. p99 is that of all calls of
 * a measurement, each from the moment it was due. A trial that fails is repeated once, since machines are
 * noisy, and both are printed. Exits with 1 when one fails twice.
 */
import { parseArgs } from 'node:util';
import type { Attack } from './attack.ts';
import { attackOf, attacks } from './attacks.ts';
import { Child } from './child.ts';
import { describeTrial, trialTable } from './report.ts';
import { faultsOf, type Trial } from './verdict.ts';

const warmUpSeconds = 2;
/** What a server needs to see that its attackers have gone. */
const settleMs = 2000;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, only: { type: 'string' } },
});
const seconds = Number(values.seconds);
const chosen = values.only === undefined ? attacks : [attackOf(values.only)];

async function tryOut(attack: Attack): Promise<Trial> {
  const server = new Child('server.ts');
  const client = new Child('honest-client.ts');
  const attacker = new Child('attacker.ts');
  try {
    const port = await server.ask({ ask: 'serve', limits: attack.limits });
    await client.ask({ ask: 'measure', port, seconds: warmUpSeconds });
    const baseline = await client.ask({ ask: 'measure', port, seconds });
    const before = await server.ask({ ask: 'memory' });
    const [attacked, result] = await Promise.all([
      client.ask({ ask: 'measure', port, seconds }),
      attacker.ask({ ask: 'attack', port, seconds, name: attack.name }),
    ]);
    const during = await server.ask({ ask: 'memory' });
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const after = await server.ask({ ask: 'memory' });
    return { attack, seconds, baseline, attacked, before, during, after, result };
  } finally {
    for (const child of [server, client, attacker]) child.stop();
  }
}

const trials: Trial[] = [];
for (const attack of chosen) {
  let trial = await tryOut(attack);
  console.log(describeTrial(trial));
  if (faultsOf(trial).length > 0) {
    console.log('  once more, since it may have been noise');
    trial = await tryOut(attack);
    console.log(describeTrial(trial));
  }
  trials.push(trial);
}
console.log(`\n${trialTable(trials)}`);
process.exitCode = trials.some((trial) => faultsOf(trial).length > 0) ? 1 : 0;
