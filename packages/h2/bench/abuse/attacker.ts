import { readdirSync } from 'node:fs';
import net from 'node:net';
import { setPriority } from 'node:os';
import { answerParent } from './answering.ts';
import { AttackRun } from './attack-run.ts';
import { attackOf } from './attacks.ts';
import { type AttackResult, attackResultOf } from './messages.ts';

/*
 * The attacker. The priority of all its threads is low: the cores are shared, and it is the server that is
 * measured; real attackers have machines of their own.
 */

const stepIntervalMs = 5;
for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), 19);

function attack(name: string, port: number, seconds: number): Promise<AttackResult> {
  const dial = () => net.connect({ port, host: '127.0.0.1', noDelay: true });
  const beganAtMs = performance.now();
  const run = new AttackRun(attackOf(name), dial, beganAtMs);
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      if (nowMs - beganAtMs < seconds * 1000) return run.step(nowMs);
      clearInterval(timer);
      run.stop(nowMs);
      resolve(attackResultOf(run.outcomes, run.piecesSent));
    }, stepIntervalMs);
  });
}

answerParent((request) => {
  if (request.ask !== 'attack') throw new Error(`the attacker does not ${request.ask}`);
  return attack(request.name, request.port, request.seconds);
});
