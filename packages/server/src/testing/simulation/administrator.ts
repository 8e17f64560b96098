import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AuthRoleAddRequestSchema,
  AuthRoleDeleteRequestSchema,
  AuthRoleGrantPermissionRequestSchema,
  AuthRoleRevokePermissionRequestSchema,
  AuthUserAddRequestSchema,
  AuthUserChangePasswordRequestSchema,
  AuthUserDeleteRequestSchema,
  AuthUserGrantRoleRequestSchema,
  AuthUserRevokeRoleRequestSchema,
  Permission_Type,
} from '@kvorum/api';
import type { Prng } from '@kvorum/wal/testing';
import type { SimWorld } from './world.ts';

/** Few names, so that changes meet. */
const USERS = ['ann', 'bob', 'cy'];
const ROLES = ['root', 'reader', 'writer'];
const KEYS = ['a', 'c', 'e'];
const TYPES = [Permission_Type.READ, Permission_Type.WRITE, Permission_Type.READWRITE];
const CALL_TIMEOUT_MS = 10_000;
/** Between two changes, in ms. */
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 600;

/** An encoded request of the service Auth. */
interface Change {
  readonly method: string;
  readonly bytes: Uint8Array;
}

/**
 * Somebody who changes users, roles and permissions. Authentication stays off, so nobody else notices; but all members
 * must come to have the same of them.
 */
export class Administrator {
  readonly #world: SimWorld;
  readonly #prng: Prng;
  #isStopped = false;
  #calls = 0;
  /** Changes that were confirmed. */
  changes = 0;

  constructor(world: SimWorld, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
  }

  /** Calls are running. */
  get isBusy(): boolean {
    return this.#calls > 0;
  }

  start(): void {
    const { time } = this.#world.cluster;
    time.after(MIN_PAUSE_MS + this.#prng.below(MAX_PAUSE_MS - MIN_PAUSE_MS), () => {
      if (this.#isStopped) return;
      this.#call(this.#next());
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  #next(): Change {
    const name = this.#oneOf(USERS);
    const role = this.#oneOf(ROLES);
    const key = Buffer.from(this.#oneOf(KEYS));
    const rangeEnd = Buffer.from(this.#oneOf(['', 'd', '\0']));
    const permType = this.#oneOf(TYPES);
    const perm = { key, rangeEnd, permType };
    switch (this.#prng.below(10)) {
      case 0:
      case 1:
        return change('UserAdd', AuthUserAddRequestSchema, { name, password: 'first' });
      case 2:
        return change('UserDelete', AuthUserDeleteRequestSchema, { name });
      case 3:
        return change('UserChangePassword', AuthUserChangePasswordRequestSchema, {
          name,
          password: `${this.#prng.below(1000)}`,
        });
      case 4:
        return change('UserGrantRole', AuthUserGrantRoleRequestSchema, { user: name, role });
      case 5:
        return change('UserRevokeRole', AuthUserRevokeRoleRequestSchema, { name, role });
      case 6:
        return change('RoleAdd', AuthRoleAddRequestSchema, { name: role });
      case 7:
        return change('RoleDelete', AuthRoleDeleteRequestSchema, { role });
      case 8:
        return change('RoleGrantPermission', AuthRoleGrantPermissionRequestSchema, {
          name: role,
          perm,
        });
      default:
        return change('RoleRevokePermission', AuthRoleRevokePermissionRequestSchema, {
          role,
          key,
          rangeEnd,
        });
    }
  }

  #call({ method, bytes }: Change): void {
    const { cluster, trace } = this.#world;
    const at = cluster.anyone(this.#prng);
    let isOpen = true;
    this.#calls += 1;
    const end = (outcome: string) => {
      if (!isOpen) return;
      isOpen = false;
      this.#calls -= 1;
      stopTimer();
      if (outcome === 'done') this.changes += 1;
      trace.word(outcome);
      trace.line(cluster.time.nowMs, () => `admin → m${at} ${method} ${outcome}`);
    };
    const stopTimer = cluster.time.after(CALL_TIMEOUT_MS, () => end('timed out'));
    cluster.invoke(at, `/etcdserverpb.Auth/${method}`, bytes, {
      reply: () => end('done'),
      fail: (_, text) => end(text),
      refused: () => end('refused'),
      lost: () => end('lost'),
    });
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.#prng.below(choices.length)] as T;
  }
}

function change<Request extends DescMessage>(
  method: string,
  schema: Request,
  init: MessageInitShape<Request>,
): Change {
  return { method, bytes: toBinary(schema, create(schema, init)) };
}
