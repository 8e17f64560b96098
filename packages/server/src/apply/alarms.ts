import type { AlarmRequest } from '../codec/raft-requests.ts';
import type { MembershipRows } from '../membership/cluster.ts';

export const ALARM_NONE = 0;
export const ALARM_NOSPACE = 1;
export const ALARM_CORRUPT = 2;

const ALARM_NAMES = ['NONE', 'NOSPACE', 'CORRUPT'];

/** The name of an alarm's type, such as `NOSPACE`. */
export function alarmName(alarm: number): string {
  return ALARM_NAMES[alarm] ?? String(alarm);
}

export const ACTION_GET = 0;
export const ACTION_ACTIVATE = 1;

/** One raised alarm. Member id 0 is a real key: it stands for "some member, it isn't known which". */
export interface Alarm {
  readonly memberId: bigint;
  readonly alarm: number;
}

const PREFIX = 'alarm/';

/** The raised alarms, kept in the store's meta rows until somebody disarms them. */
export class Alarms {
  readonly #raised = new Map<string, Alarm>();

  /** Replaces everything by what the rows say. */
  load(listMeta: (prefix: string) => Iterable<[string, Uint8Array]>): void {
    this.#raised.clear();
    for (const [name] of listMeta(PREFIX)) {
      const [member = '0', alarm = '0'] = name.slice(PREFIX.length).split('/');
      this.#raised.set(name, { memberId: BigInt(`0x${member}`), alarm: Number(alarm) });
    }
  }

  /** True when any member has raised it. */
  has(alarm: number): boolean {
    for (const raised of this.#raised.values()) if (raised.alarm === alarm) return true;
    return false;
  }

  /** Those of one type, or all for `ALARM_NONE`. */
  list(alarm: number): Alarm[] {
    return [...this.#raised.values()].filter(
      (raised) => alarm === ALARM_NONE || raised.alarm === alarm,
    );
  }

  /** Carries out an applied request; the answer lists what it found, raised or disarmed. */
  apply(rows: MembershipRows, request: AlarmRequest): Alarm[] {
    const { action, memberId, alarm } = request;
    if (action === ACTION_GET) return this.list(alarm);
    if (alarm === ALARM_NONE) return [];
    const name = `${PREFIX}${memberId.toString(16)}/${alarm}`;
    if (action === ACTION_ACTIVATE) {
      const raised = this.#raised.get(name) ?? { memberId, alarm };
      this.#raised.set(name, raised);
      rows.putMeta(name, new Uint8Array(0));
      return [raised];
    }
    const disarmed = this.#raised.get(name);
    if (disarmed === undefined) return [];
    this.#raised.delete(name);
    rows.deleteMeta(name);
    return [disarmed];
  }
}
