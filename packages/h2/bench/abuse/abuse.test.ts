import { afterEach, describe, expect, it } from 'vitest';
import { GrpcClient, GrpcServer, type Limits } from '../../src/index.ts';
import { ManualClock, memoryDuplexPair } from '../../src/testing/index.ts';
import { AbuseService } from './abuse-service.ts';
import type { Attack } from './attack.ts';
import { AttackRun } from './attack-run.ts';
import { attacks } from './attacks.ts';
import { latenciesOf } from './latencies.ts';
import { attackResultOf } from './messages.ts';
import { wrongOutcomes } from './verdict.ts';

/* Every attack of the bench, small and in memory: ten seconds of a clock that is moved by hand. */

const stepMs = 50;
const steps = 200;
const maxConnections = 2;
/** What the worst of them has waiting on two connections, twice over. */
const maxBufferedBytes = 32 * 1024 * 1024;
const request = Buffer.from('honest');

/** The attack with fewer connections, each as busy as before. */
function smaller(attack: Attack): Attack {
  const connections = Math.min(maxConnections, attack.connections);
  const share = connections / attack.connections;
  return { ...attack, connections, piecesPerSecond: attack.piecesPerSecond * share };
}

/** Lets what is under way in memory arrive. */
async function turns(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

class Scene {
  readonly clock = new ManualClock();
  readonly server: GrpcServer;
  readonly client: GrpcClient;

  constructor(limits: Partial<Limits>) {
    const { clock } = this;
    this.server = new GrpcServer({ methods: new AbuseService().methods, clock, limits });
    this.client = new GrpcClient({
      dial: async () => this.dial(),
      authority: 'test',
      clock,
      random: () => 0.5,
    });
  }

  dial() {
    const [near, far] = memoryDuplexPair();
    this.server.accept(near);
    return far;
  }

  close(): void {
    this.client.close();
    this.server.close();
  }
}

describe('under attack', () => {
  let scene: Scene | undefined;
  afterEach(() => scene?.close());

  it.each(attacks.map((attack) => [attack.name, smaller(attack)] as const))(
    'by %s the honest are served, memory is bounded, and the attacker is sent away',
    async (_name, attack) => {
      scene = new Scene(attack.limits);
      const { clock, server, client } = scene;
      const dial = scene.dial.bind(scene);
      const run = new AttackRun(attack, dial, clock.now());
      const needsEnd = !attack.expected.endings.includes('open');
      for (let step = 0; step < steps; step++) {
        clock.advance(stepMs);
        run.step(clock.now());
        const reply = await client.unary('/test.Echo/Unary', request);
        expect(Buffer.from(reply)).toEqual(request);
        await turns();
        expect(server.bufferedBytes).toBeLessThan(maxBufferedBytes);
        if (needsEnd && run.outcomes.length >= maxConnections) break;
      }
      run.stop(clock.now());
      expect(wrongOutcomes(attack, attackResultOf(run.outcomes, run.piecesSent))).toEqual([]);
    },
  );
});

describe('latencies', () => {
  it('count from the moment a call was due, and say what most of them were', () => {
    const calls = Array.from({ length: 200 }, (_, i) => ({
      dueMs: i * 10,
      madeMs: i * 10 + 1,
      doneMs: i * 10 + (i === 150 ? 101 : 2),
    }));
    expect(latenciesOf(calls, 3)).toEqual({
      calls: 200,
      failures: 3,
      p50Ms: 2,
      p99Ms: 2,
      maxMs: 101,
      serviceP99Ms: 1,
      p99OfSecondsMs: 101,
    });
  });
});
