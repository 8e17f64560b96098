import type { Logger } from '../logging/logger.ts';
import type { HealthMetrics } from '../metrics/health-metrics.ts';
import { type HttpReply, textReply } from './http-message.ts';

/** What the health paths ask the member. */
export interface HealthSource {
  /** Alarms that are raised, as the API names them: `NOSPACE`, `CORRUPT`. */
  alarms(): readonly string[];
  hasLeader(): boolean;
  isLearner(): boolean;
  /** Reads through a quorum; rejects when that fails or takes longer than a request may. */
  linearizableRead(): Promise<void>;
  /** Reads what this member has; rejects when that fails or takes longer than a request may. */
  serializableRead(): Promise<void>;
}

/** A named check; resolves to the reason why it failed, or undefined. */
interface HealthCheck {
  readonly name: string;
  run(source: HealthSource): Promise<string | undefined>;
}

const serializableRead: HealthCheck = {
  name: 'serializable_read',
  run: (source) => rangeFailure(source.serializableRead()),
};

const linearizableRead: HealthCheck = {
  name: 'linearizable_read',
  run: (source) => rangeFailure(source.linearizableRead()),
};

const dataCorruption: HealthCheck = {
  name: 'data_corruption',
  run: async (source) =>
    source.alarms().includes('CORRUPT') ? 'alarm activated: CORRUPT' : undefined,
};

const nonLearner: HealthCheck = {
  name: 'non_learner',
  run: async (source) => (source.isLearner() ? 'the member is a learner' : undefined),
};

const checksByPath = {
  livez: [serializableRead],
  readyz: [dataCorruption, serializableRead, linearizableRead, nonLearner],
} as const satisfies Record<string, readonly HealthCheck[]>;

/** /health, /livez and /readyz over one member. */
export class HealthPages {
  readonly #source: HealthSource;
  readonly #metrics: HealthMetrics;
  readonly #logger: Logger;

  constructor(source: HealthSource, metrics: HealthMetrics, logger: Logger) {
    this.#source = source;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /**
   * GET /health: alarms but those named by `exclude`, then a leader, then a read; `serializable=true` leaves out the
   * leader and reads this member only. Never rejects.
   */
  async health(query: URLSearchParams): Promise<HttpReply> {
    const reason = await this.#healthFailure(query);
    const body = JSON.stringify({ health: String(reason === ''), reason });
    if (reason === '') {
      this.#metrics.successTotal += 1;
      return { status: 200, headers: [['Content-Type', 'text/plain; charset=utf-8']], body };
    }
    this.#metrics.failuresTotal += 1;
    this.#logger.warn('serving /health false', { reason });
    return textReply(503, `${body}\n`);
  }

  /**
   * GET /livez or /readyz, or a single check below them, as in /readyz/linearizable_read. Undefined when there is no
   * such check. Never rejects.
   */
  async checks(
    type: 'livez' | 'readyz',
    single: string | undefined,
    query: URLSearchParams,
  ): Promise<HttpReply | undefined> {
    const all: readonly HealthCheck[] = checksByPath[type];
    const chosen = single === undefined ? all : all.filter((check) => check.name === single);
    if (chosen.length === 0) {
      return undefined;
    }
    const excluded = query.getAll('exclude');
    const lines: string[] = [];
    let healthy = true;
    for (const check of chosen.filter((candidate) => !excluded.includes(candidate.name))) {
      const failure = await check.run(this.#source);
      this.#metrics.recordCheck(type, check.name, failure === undefined);
      healthy &&= failure === undefined;
      lines.push(
        failure === undefined ? `[+]${check.name} ok\n` : `[-]${check.name} failed: ${failure}\n`,
      );
    }
    const details = lines.join('');
    if (!healthy) {
      const path = single === undefined ? `/${type}` : `/${type}/${single}`;
      this.#logger.error('Health check error', { path, reason: details, 'status-code': 503 });
      return textReply(503, `${details}\n`);
    }
    return textReply(200, query.has('verbose') ? `${details}ok\n` : 'ok\n');
  }

  async #healthFailure(query: URLSearchParams): Promise<string> {
    const excluded = query.getAll('exclude');
    const alarm = this.#source.alarms().find((raised) => !excluded.includes(raised));
    if (alarm !== undefined) {
      return alarm === 'NOSPACE' || alarm === 'CORRUPT' ? `ALARM ${alarm}` : 'ALARM UNKNOWN';
    }
    const serializable = query.get('serializable') === 'true';
    if (!serializable && !this.#source.hasLeader()) {
      return 'RAFT NO LEADER';
    }
    try {
      await (serializable ? this.#source.serializableRead() : this.#source.linearizableRead());
      return '';
    } catch (error) {
      return `RANGE ERROR:${messageOf(error)}`;
    }
  }
}

async function rangeFailure(read: Promise<void>): Promise<string | undefined> {
  try {
    await read;
    return undefined;
  } catch (error) {
    return `range error: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
