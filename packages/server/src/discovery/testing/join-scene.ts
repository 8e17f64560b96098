import type { InitialMember } from '../../config/server-config.ts';
import { LogRecorder } from '../../testing/log-recorder.ts';
import { SimClock, SimTime } from '../../testing/sim-time.ts';

/** What members that look for each other have around them: virtual time, and a log. */
export class JoinScene {
  readonly time = new SimTime();
  readonly clock = new SimClock(this.time);
  readonly logger = new LogRecorder();

  /** The lines of the log with that message. */
  lines(message: string) {
    return this.logger.lines.filter((line) => line.message === message);
  }

  /** Lets happen what needs no time. */
  async settled(): Promise<void> {
    this.time.after(0, () => {});
    await this.time.run(0);
  }

  /** Lets time pass until the promise has an end. */
  async ended<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    promise.then(end, end);
    await this.settled();
    while (!isOver) await this.time.run(1000);
    return await promise;
  }
}

/** Members as in --initial-cluster. */
export function shown(members: readonly InitialMember[]): string {
  return members
    .map(({ name, peerUrls }) => peerUrls.map(({ href }) => `${name}=${href}`).join(','))
    .join(',');
}
