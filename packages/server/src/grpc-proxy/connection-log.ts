import type { ConnectionDiagnostics } from '@kvorum/client';
import type { Logger } from '../logging/logger.ts';

/** One line when a member can't be reached, however often that is tried, and one when it can be again. */
export class ConnectionLog {
  readonly #logger: Logger;
  /** Members that are not connected for a reason that was told. */
  readonly #lost = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  note({ endpoint, state, error }: ConnectionDiagnostics): void {
    if (state === 'ready') {
      this.#lost.delete(endpoint);
      this.#logger.info('connected to an endpoint', { endpoint });
    } else if (error !== undefined && !this.#lost.has(endpoint)) {
      this.#lost.add(endpoint);
      this.#logger.warn('no connection to an endpoint', { endpoint, error: error.message });
    }
  }
}
