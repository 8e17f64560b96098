import { describe, expect, it } from 'vitest';
import { buildConfig } from './config/build-config.ts';
import { parseCommandLine } from './config/command-line.ts';
import { silentLogger } from './logging/logger.ts';
import { Metrics } from './metrics/metrics.ts';
import { exitCodeOf, type Member, runMember, type StartMember } from './run-member.ts';

const config = buildConfig(parseCommandLine([]).values, {
  defaultHost: undefined,
  fromFile: false,
});

/** A process in memory: signals arrive when the test says so, and what was done is written down. */
class Stage {
  readonly log: string[] = [];
  readonly failed = Promise.withResolvers<Error>();
  readonly removed = Promise.withResolvers<void>();
  readonly mayStop = Promise.withResolvers<void>();
  #onSignal: (signal: string) => void = () => {};

  signal(name: string): void {
    this.#onSignal(name);
  }

  member(): Member {
    return {
      clientUrls: [],
      fatal: this.failed.promise,
      removed: this.removed.promise,
      stop: async () => {
        this.log.push('stop');
        await this.mayStop.promise;
      },
    };
  }

  run(startMember: StartMember = async () => this.member()): Promise<number> {
    const metrics = new Metrics({ detail: 'basic', serverVersion: '3.7.1' });
    const logger = {
      ...silentLogger,
      info: (message: string, fields?: object) =>
        this.log.push(`${message} ${JSON.stringify(fields)}`),
    };
    return runMember(
      config,
      { logger, metrics, startMember },
      {
        onSignal: (callback) => {
          this.#onSignal = callback;
        },
        exitNow: (code) => this.log.push(`exit ${code}`),
        tell: (state) => this.log.push(state),
      },
    );
  }
}

const received = 'received signal; shutting down {"signal":"terminated"}';

describe('runMember', () => {
  it('stops in good order on a signal and reports success', async () => {
    const stage = new Stage();
    stage.mayStop.resolve();
    const running = stage.run();
    stage.signal('terminated');
    expect(await running).toBe(0);
    expect(stage.log).toEqual([received, 'stopping', 'stop']);
  });

  it('exits at once on a second signal', async () => {
    const stage = new Stage();
    const running = stage.run();
    stage.signal('terminated');
    stage.signal('interrupt');
    expect(stage.log).toEqual([received, 'exit 1']);
    stage.mayStop.resolve();
    await running;
  });

  it('stops a member that comes up after the signal', async () => {
    const stage = new Stage();
    stage.mayStop.resolve();
    const up = Promise.withResolvers<Member>();
    const running = stage.run(() => up.promise);
    stage.signal('terminated');
    expect(stage.log).toEqual([received]);
    up.resolve(stage.member());
    expect(await running).toBe(0);
    expect(stage.log).toEqual([received, 'stopping', 'stop']);
  });

  it('ends without touching the stores when a durable operation failed', async () => {
    const stage = new Stage();
    const running = stage.run();
    stage.failed.resolve(new Error('EIO'));
    expect(await running).toBe(1);
    expect(stage.log).toEqual(['serving']);
  });

  it('reports a stop that failed', async () => {
    const stage = new Stage();
    stage.mayStop.reject(new Error('EIO'));
    const running = stage.run();
    stage.signal('terminated');
    expect(await running).toBe(1);
  });

  it('passes on why a member could not start', async () => {
    const stage = new Stage();
    const running = stage.run(async () => {
      throw new Error('address in use');
    });
    await expect(running).rejects.toThrow('address in use');
  });
});

describe('exitCodeOf', () => {
  it('tells broken invariants from failures', () => {
    const bug = new Error('x');
    bug.name = 'InvariantError';
    expect(exitCodeOf(bug)).toBe(70);
    expect(exitCodeOf(new Error('x'))).toBe(1);
    expect(exitCodeOf('x')).toBe(1);
  });
});
