import type { Attack } from './attack.ts';
import { floods } from './floods.ts';
import { slowAttacks } from './slow-attacks.ts';
import { windowAttacks } from './window-attacks.ts';

/** Every attack the bench knows. */
export const attacks: readonly Attack[] = [...floods, ...windowAttacks, ...slowAttacks];

/** The attack of this name; throws when there is none. */
export function attackOf(name: string): Attack {
  const attack = attacks.find((candidate) => candidate.name === name);
  if (attack === undefined) throw new Error(`no attack is called ${name}`);
  return attack;
}
