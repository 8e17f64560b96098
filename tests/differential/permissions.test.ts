import { type CallOptions, ConnectError, createClient } from '@connectrpc/connect';
import { Auth, Permission_Type } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { knownDifference } from '../framework/known-differences.ts';
import { startBoth } from '../framework/member.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { type RealEtcd, realEtcd } from '../framework/real-etcd.ts';

// Random permissions, given and taken away, and random requests of a user: both servers must allow the same.

const real = realEtcd('3.5');
const TIMEOUT_MS = 240_000;
const ROLES = ['one', 'two'] as const;
const ROUNDS = Number(process.env.KVORUM_PERMISSION_ROUNDS ?? 40);
const REQUESTS_PER_ROUND = 25;
const RENEWAL_EVERY = 4;

/** Keys of one letter or two, so that they meet, and follow one another directly. */
const KEYS = ['a', 'a\0', 'ab', 'b', 'c', 'c\0', 'd', '\xff'] as const;
const ENDS = ['', '\0', ...KEYS] as const;

interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** A step of a sequence, made by root or by the user, and how to show it. */
interface Step {
  readonly text: string;
  readonly run: (subject: Subject) => Promise<unknown>;
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** A server with a user who has two roles, and root. */
class Subject {
  readonly client: TestClient;
  readonly auth;
  root: CallOptions = {};
  user: CallOptions = {};

  constructor(url: string) {
    this.client = new TestClient(url);
    this.auth = createClient(Auth, this.client.transport);
  }

  async prepare(): Promise<void> {
    const { auth } = this;
    for (const name of ['root', 'user']) await auth.userAdd({ name, password: name });
    for (const name of ROLES) await auth.roleAdd({ name });
    for (const role of ROLES) await auth.userGrantRole({ user: 'user', role });
    await auth.userGrantRole({ user: 'root', role: 'root' });
    await auth.authEnable({});
    this.root = await this.#login('root');
    this.user = await this.#login('user');
  }

  async outcome({ run }: Step): Promise<string> {
    return run(this).then(
      () => 'done',
      (error: unknown) => ConnectError.from(error).message,
    );
  }

  async #login(name: string): Promise<CallOptions> {
    const { token } = await this.auth.authenticate({ name, password: name });
    return { headers: { token } };
  }
}

class Generator {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** A permission that is given or taken away. */
  change(): Step {
    const prng = this.#prng;
    const name = prng.pick(ROLES);
    const range = this.#range();
    const { READ, WRITE, READWRITE } = Permission_Type;
    const permType = prng.pick([READ, WRITE, READWRITE]);
    return prng.chance(0.7)
      ? {
          text: `give ${name} ${permType} of ${textOf(range)}`,
          run: ({ auth, root }) =>
            auth.roleGrantPermission({ name, perm: { ...range, permType } }, root),
        }
      : {
          text: `take ${textOf(range)} from ${name}`,
          run: ({ auth, root }) => auth.roleRevokePermission({ role: name, ...range }, root),
        };
  }

  /** A role is made anew: with more and more permissions the user could do everything. */
  renewal(): Step {
    const name = this.#prng.pick(ROLES);
    return {
      text: `make ${name} anew`,
      run: async ({ auth, root }) => {
        await auth.roleDelete({ role: name }, root);
        await auth.roleAdd({ name }, root);
        await auth.userGrantRole({ user: 'user', role: name }, root);
      },
    };
  }

  /** What the user asks for. */
  request(): Step {
    const prng = this.#prng;
    const range = this.#someRange();
    const prevKv = prng.chance(0.3);
    const { key } = range;
    return prng.pick<Step>([
      {
        text: `range ${textOf(range)}`,
        run: ({ client, user }) => client.kv.range({ ...range, countOnly: true }, user),
      },
      {
        text: `put ${JSON.stringify(Buffer.from(key).toString('latin1'))} ${prevKv}`,
        run: ({ client, user }) => client.kv.put({ key, prevKv }, user),
      },
      {
        text: `delete ${textOf(range)} ${prevKv}`,
        run: ({ client, user }) => client.kv.deleteRange({ ...range, prevKv }, user),
      },
      {
        text: `compare ${textOf(range)}`,
        run: ({ client, user }) => client.kv.txn({ compare: [range] }, user),
      },
    ]);
  }

  /** One that holds keys: those that hold none are a known difference. */
  #someRange(): KeyRange {
    for (;;) {
      const range = this.#range();
      const { key, rangeEnd } = range;
      const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
      if (rangeEnd.length === 0 || isOpen || Buffer.compare(key, rangeEnd) < 0) return range;
    }
  }

  #range(): KeyRange {
    const prng = this.#prng;
    return { key: bytes(prng.pick(KEYS)), rangeEnd: bytes(prng.pick(ENDS)) };
  }
}

function textOf({ key, rangeEnd }: KeyRange): string {
  const [from, to] = [key, rangeEnd].map((one) =>
    JSON.stringify(Buffer.from(one).toString('latin1')),
  );
  return `[${from}, ${to})`;
}

async function compare(program: RealEtcd, seed: number): Promise<void> {
  await using both = await startBoth(program, { flags: ['--bcrypt-cost=4'] });
  const subjects = [new Subject(both.etcd.url), new Subject(both.kvorum.url)] as const;
  try {
    await Promise.all(subjects.map((subject) => subject.prepare()));
    const generator = new Generator(new Prng(seed));
    const story: string[] = [];
    const allowed = { done: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const requests = Array.from({ length: REQUESTS_PER_ROUND }, () => generator.request());
      const change = round % RENEWAL_EVERY === 0 ? generator.renewal() : generator.change();
      for (const step of [change, ...requests]) {
        const outcomes = await Promise.all(subjects.map((subject) => subject.outcome(step)));
        story.push(step.text);
        expect(outcomes[1], `seed ${seed}:\n${story.join('\n')}`).toBe(outcomes[0]);
        allowed[outcomes[0] === 'done' ? 'done' : 'refused'] += 1;
      }
    }
    // Else nothing was compared.
    expect(Math.min(allowed.done, allowed.refused)).toBeGreaterThan(ROUNDS);
  } finally {
    for (const { client } of subjects) client[Symbol.dispose]();
  }
}

describe.skipIf(real === undefined)('random permissions', () => {
  it('allow a user the same as with etcd', { timeout: TIMEOUT_MS }, async () => {
    if (real === undefined) throw new Error('no real etcd');
    knownDifference('permission-for-no-keys');
    await compare(real, chooseSeed());
  });
});
