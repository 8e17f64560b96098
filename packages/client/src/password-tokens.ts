import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Auth, AuthenticateRequestSchema, AuthenticateResponseSchema } from '@kvorum/api';
import type { Caller, TokenSource } from './caller.ts';
import { ClientError } from './errors.ts';

/** Who the client is to the server. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** Tokens for a name and a password: asked for when one is needed, once for all calls that wait for it. */
export class PasswordTokens implements TokenSource {
  readonly #caller: Caller;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  #current: Promise<string | undefined> | undefined = undefined;
  #rejected: string | undefined = undefined;

  /** `caller` makes calls without a token; `timeoutMs` is for one of them. */
  constructor(caller: Caller, credentials: Credentials, timeoutMs: number) {
    this.#caller = caller;
    this.#credentials = credentials;
    this.#timeoutMs = timeoutMs;
  }

  async token(): Promise<string | undefined> {
    this.#current ??= this.#authenticate();
    const asked = this.#current;
    try {
      const token = await asked;
      if (token === undefined || token !== this.#rejected) return token;
    } catch (error) {
      if (this.#current === asked) this.#current = undefined;
      throw error;
    }
    if (this.#current === asked) this.#current = undefined;
    return await this.token();
  }

  reject(token: string): void {
    this.#rejected = token;
  }

  /** Undefined where the server wants no authentication. */
  async #authenticate(): Promise<string | undefined> {
    const { method } = Auth;
    const request = create(AuthenticateRequestSchema, this.#credentials);
    const bytes = toBinary(AuthenticateRequestSchema, request);
    const path = `/${Auth.typeName}/${method.authenticate.name}`;
    try {
      const answer = await this.#caller.unary(path, bytes, { timeoutMs: this.#timeoutMs });
      return fromBinary(AuthenticateResponseSchema, answer).token;
    } catch (error) {
      if (error instanceof ClientError && error.code === 'authNotEnabled') return undefined;
      throw error;
    }
  }
}
