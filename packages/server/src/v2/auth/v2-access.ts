import type { HttpRequest } from '../../http/http-message.ts';
import type { Logger } from '../../logging/logger.ts';
import { AuthRefusal } from './auth-refusal.ts';
import { allows, GUEST, ROOT, type V2Role } from './role.ts';
import type { V2User } from './user.ts';
import type { V2Users } from './v2-users.ts';

/** Says whether who calls, by a name and a password, may do what is asked. While it's switched off, everybody may. */
export class V2Access {
  readonly #users: V2Users;
  readonly #logger: Logger;

  constructor(users: V2Users, logger: Logger) {
    this.#users = users;
    this.#logger = logger;
  }

  /** `key` is what follows /v2/keys, as text. Rejects with `EtcdError` tooManyRequests. */
  async mayUseKey(request: HttpRequest, key: string, isRecursive: boolean): Promise<boolean> {
    if (!this.#users.isEnabled) return true;
    const isWrite = !isRead(request.method);
    if ((request.header('authorization') ?? '') === '') {
      const guest = this.#role(GUEST);
      return guest !== undefined && allows(guest, key, isWrite, false);
    }
    const user = await this.#caller(request);
    const isAllowed = (user?.roles ?? []).some((name) => {
      const role = this.#role(name);
      return role !== undefined && allows(role, key, isWrite, isRecursive);
    });
    if (!isAllowed && user !== undefined) {
      this.#logger.warn('invalid access for user on key', { 'user-name': user.user, key });
    }
    return isAllowed;
  }

  /** Rejects with `EtcdError` tooManyRequests. */
  async isRoot(request: HttpRequest): Promise<boolean> {
    if (!this.#users.isEnabled) return true;
    return ((await this.#caller(request))?.roles ?? []).includes(ROOT);
  }

  /** Reading needs no root. */
  async mayChange(request: HttpRequest): Promise<boolean> {
    return isRead(request.method) || (await this.isRoot(request));
  }

  async #caller(request: HttpRequest): Promise<V2User | undefined> {
    const credentials = basicAuth(request.header('authorization') ?? '');
    if (credentials === undefined) return undefined;
    const { name, password } = credentials;
    let user: V2User;
    try {
      user = this.#users.user(name);
    } catch (error) {
      if (!(error instanceof AuthRefusal)) throw error;
      this.#logger.warn('no such user of the v2 API', { 'user-name': name });
      return undefined;
    }
    if (await this.#users.hasPassword(user, password)) return user;
    this.#logger.warn('incorrect password for a user of the v2 API', { 'user-name': name });
    return undefined;
  }

  #role(name: string): V2Role | undefined {
    try {
      return this.#users.role(name);
    } catch (error) {
      if (error instanceof AuthRefusal) return undefined;
      throw error;
    }
  }
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function basicAuth(header: string): { name: string; password: string } | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/]*={0,2})$/i.exec(header) ?? [];
  if (encoded === undefined || encoded.length % 4 !== 0) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
