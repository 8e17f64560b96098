import type { Logger } from './logging/logger.ts';

/** What a service can tell systemd of its state. */
export type SystemdState = 'READY=1' | 'STOPPING=1';

/** Runs a program to its end. Rejects when it cannot be run, or fails. */
export type RunTool = (program: string, args: readonly string[]) => Promise<void>;

/**
 * Tells systemd how the service stands, where it wants to know: units with `Type=notify` are up when this says so. The
 * message goes through systemd-notify, since Node has no datagram sockets of that kind; of a unit whose user is not
 * root systemd takes it with `NotifyAccess=all` only. What cannot be told is no reason not to serve.
 */
export class SystemdNotifier {
  readonly #isWanted: boolean;
  readonly #run: RunTool;
  readonly #logger: Logger;

  /** `socket` is what the environment has as NOTIFY_SOCKET. */
  constructor(socket: string | undefined, run: RunTool, logger: Logger) {
    this.#isWanted = socket !== undefined && socket !== '';
    this.#run = run;
    this.#logger = logger;
  }

  /** Never rejects. */
  async tell(state: SystemdState): Promise<void> {
    if (!this.#isWanted) return;
    try {
      await this.#run('systemd-notify', [state]);
      this.#logger.info('told systemd', { state });
    } catch (error) {
      const fix = 'install systemd-notify, or give the unit Type=exec';
      this.#logger.warn('could not tell systemd', { state, error, fix });
    }
  }
}
