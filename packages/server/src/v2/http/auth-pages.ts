import { EtcdError } from '@kvorum/api';
import { MvccError } from '@kvorum/mvcc';
import type { HttpReply, HttpRequest } from '../../http/http-message.ts';
import { AuthRefusal } from '../auth/auth-refusal.ts';
import { isEmpty, type KeyPatterns, type V2Role } from '../auth/role.ts';
import { userJson } from '../auth/user.ts';
import type { V2Access } from '../auth/v2-access.ts';
import { roleJson, type V2Users } from '../auth/v2-users.ts';
import { goJsonText } from '../go-json.ts';
import { V2Error } from '../v2-error.ts';
import { fieldsOf, JsonRequestError, textOf, textsOf } from './json-request.ts';
import {
  jsonLine,
  keyErrorReply,
  messageReply,
  methodNotAllowed,
  noAuthReply,
  type V2Headers,
} from './replies.ts';

export interface AuthOptions {
  readonly users: V2Users;
  readonly access: V2Access;
  readonly clusterHeaders: V2Headers;
}

const MAX_BODY_BYTES = 1024 * 1024;

/** /v2/auth: users, roles, and the switch. */
export class AuthPages {
  readonly #options: AuthOptions;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** `path` is what follows /v2/auth, as text. Undefined for one that isn't known. Never rejects. */
  async answer(request: HttpRequest, path: string): Promise<HttpReply | undefined> {
    try {
      if (path === '/enable') return await this.#switch(request);
      const [, kind, name, ...more] = path.replace(/\/$/, '').split('/');
      if (kind !== 'users' && kind !== 'roles') return undefined;
      if (more.length > 0) return messageReply(400, 'Invalid path', []);
      if (name !== undefined) return await this.#one(request, kind, name);
      return await this.#all(request, kind);
    } catch (error) {
      return this.#refused(error);
    }
  }

  async #switch(request: HttpRequest): Promise<HttpReply> {
    const { users, access } = this.#options;
    const { method } = request;
    if (!['GET', 'PUT', 'DELETE'].includes(method)) {
      return methodNotAllowed(['GET', 'PUT', 'DELETE']);
    }
    if (!(await access.mayChange(request))) return noAuthReply;
    if (method === 'GET') return this.#json(200, `{"enabled":${users.isEnabled}}`);
    if (method === 'PUT') await users.enable();
    else await users.disable();
    return this.#empty();
  }

  async #all(request: HttpRequest, kind: 'users' | 'roles'): Promise<HttpReply> {
    const { users, access } = this.#options;
    if (request.method !== 'GET') return methodNotAllowed(['GET']);
    if (!(await access.isRoot(request))) return noAuthReply;
    if (kind === 'roles') {
      const roles = users.roleNames().map((name) => roleJson(users.role(name)));
      return this.#json(200, `{"roles":[${roles.join(',')}]}`);
    }
    const all = users.userNames().map((name) => this.#userWithRoles(name, true));
    return this.#json(200, `{"users":${all.length === 0 ? 'null' : `[${all.join(',')}]`}}`);
  }

  async #one(request: HttpRequest, kind: 'users' | 'roles', name: string): Promise<HttpReply> {
    const { users, access } = this.#options;
    const { method } = request;
    if (!['GET', 'PUT', 'DELETE'].includes(method)) {
      return methodNotAllowed(['GET', 'PUT', 'DELETE']);
    }
    if (!(await access.isRoot(request))) return noAuthReply;
    if (kind === 'users') {
      if (method === 'GET') return this.#json(200, this.#userWithRoles(name, false));
      if (method === 'PUT') return await this.#putUser(request, name);
      await users.deleteUser(name);
    } else {
      if (method === 'GET') return this.#json(200, roleJson(users.role(name)));
      if (method === 'PUT') return await this.#putRole(request, name);
      await users.deleteRole(name);
    }
    return this.#empty();
  }

  /** Roles that are not there are an error, or are left out. */
  #userWithRoles(name: string, isLenient: boolean): string {
    const { users } = this.#options;
    const { user, roles } = users.user(name);
    const known = new Set(users.roleNames());
    const shown = (roles ?? [])
      .filter((role) => !isLenient || known.has(role))
      .map((role) => roleJson(users.role(role)));
    const list = shown.length === 0 ? '' : `,"roles":[${shown.join(',')}]`;
    return `{"user":${goJsonText(user)}${list}}`;
  }

  async #putUser(request: HttpRequest, name: string): Promise<HttpReply> {
    const { users } = this.#options;
    const body = await readObject(request);
    const user = textOf(body.user, 'user');
    const password = textOf(body.password, 'password');
    const roles =
      body.roles === undefined || body.roles === null ? null : textsOf(body.roles, 'roles');
    const grant = textsOf(body.grant, 'grant');
    const revoke = textsOf(body.revoke, 'revoke');
    if (user !== name) {
      throw new AuthRefusal(400, 'User JSON name does not match the name in the URL');
    }
    const given = { user, password, roles };
    if (grant.length > 0 || revoke.length > 0) {
      if ((roles ?? []).length > 0) {
        throw new AuthRefusal(400, 'User JSON contains both roles and grant/revoke');
      }
      return this.#user(200, await users.updateUser({ user, password, grant, revoke }));
    }
    if ((roles ?? []).length > 0) return this.#user(200, await users.createUser(given));
    const put = await users.createOrUpdateUser(given);
    return this.#user(put.isCreated ? 201 : 200, put.user);
  }

  async #putRole(request: HttpRequest, name: string): Promise<HttpReply> {
    const { users } = this.#options;
    const body = await readObject(request);
    const role = textOf(body.role, 'role');
    const kv = patternsIn(body.permissions) ?? { read: null, write: null };
    const grant = patternsIn(body.grant);
    const revoke = patternsIn(body.revoke);
    if (role !== name) {
      throw new AuthRefusal(400, 'Role JSON name does not match the name in the URL');
    }
    if (isEmpty(grant) && isEmpty(revoke)) {
      const made: V2Role = { role, permissions: { kv } };
      await users.createRole(made);
      return this.#json(201, roleJson(made));
    }
    if (!isEmpty(kv)) {
      throw new AuthRefusal(400, 'Role JSON contains both permissions and grant/revoke');
    }
    return this.#json(200, roleJson(await users.updateRole(name, grant, revoke)));
  }

  #user(status: number, user: Parameters<typeof userJson>[0]): HttpReply {
    return this.#json(status, userJson({ ...user, password: '' }));
  }

  #json(status: number, json: string): HttpReply {
    return jsonLine(status, this.#options.clusterHeaders, json);
  }

  #empty(): HttpReply {
    return { ...this.#json(200, ''), body: '' };
  }

  #refused(error: unknown): HttpReply {
    const { clusterHeaders } = this.#options;
    if (error instanceof AuthRefusal) {
      return messageReply(error.status, error.message, clusterHeaders);
    }
    if (error instanceof JsonRequestError) {
      return messageReply(400, 'Invalid JSON in request body.', clusterHeaders);
    }
    if (error instanceof V2Error) return keyErrorReply(error, clusterHeaders);
    if (error instanceof EtcdError || error instanceof MvccError) {
      return messageReply(500, 'Internal Server Error', clusterHeaders);
    }
    throw error;
  }
}

/** Throws `JsonRequestError`. */
async function readObject(request: HttpRequest): Promise<Record<string, unknown>> {
  const body = await request.body(MAX_BODY_BYTES).catch(() => undefined);
  let value: unknown;
  try {
    value = JSON.parse((body ?? '').toString());
  } catch {
    throw new JsonRequestError('the body is no JSON');
  }
  return fieldsOf(value, 'an object');
}

/** Undefined for null and for nothing. Throws `JsonRequestError`. */
function patternsIn(permissions: unknown): KeyPatterns | undefined {
  if (permissions === undefined || permissions === null) return undefined;
  const kv = fieldsOf(fieldsOf(permissions, 'permissions').kv ?? null, 'kv');
  const list = (value: unknown) =>
    value === undefined || value === null ? null : textsOf(value, 'kv');
  return { read: list(kv.read), write: list(kv.write) };
}
