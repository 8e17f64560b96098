import type { HttpAnswer, SendHttp } from './http.ts';

/** A key below a token. */
export interface TokenKey {
  /** The last part of its name. */
  readonly name: string;
  readonly value: string;
  /** Decides who came first. */
  readonly createdIndex: number;
  readonly modifiedIndex: number;
}

/** All keys below a token, and the store's index at that time. */
export interface TokenListing {
  readonly keys: readonly TokenKey[];
  readonly index: number;
}

/** The service could not be asked, or has trouble of its own: another attempt may go well. */
export class ServiceFailure extends Error {
  override readonly name = 'ServiceFailure';
}

/** The service answered with one of the v2 API's errors. The message is that of etcd's client. */
export class KeysError extends Error {
  override readonly name = 'KeysError';
  /** Such as 100, "Key not found". */
  readonly errorCode: number;

  constructor(errorCode: number, message: string, cause: string, index: number) {
    super(`${errorCode}: ${message} (${cause}) [${index}]`);
    this.errorCode = errorCode;
  }
}

/** What answered speaks something else than the v2 API. */
export class ForeignAnswer extends Error {
  override readonly name = 'ForeignAnswer';
}

export const errorCodes = { keyNotFound: 100, nodeExist: 105, eventIndexCleared: 401 } as const;

/**
 * The keys below one token, by the v2 API. Its methods reject with `ServiceFailure`, `KeysError`, `ForeignAnswer`, or the
 * reason of the signal that ended the call.
 */
export interface TokenKeys {
  /** `path` below the token, such as `_config/size`. */
  get(path: string): Promise<TokenKey>;
  list(): Promise<TokenListing>;
  /** Writes a key that must not be there yet. */
  create(name: string, value: string): Promise<TokenKey>;
  /**
   * The first change from `index` on: of one key, or of all below the token. Undefined when the service ended the wait
   * before there was one.
   */
  wait(name: string | undefined, index: number): Promise<TokenKey | undefined>;
}

/** As etcd's client. */
const requestTimeoutMs = 5000;

/** The keys at a token's URL, such as `https://discovery.example/TOKEN`. */
export function tokenKeys(url: URL, send: SendHttp): TokenKeys {
  const at = (path: string, query: Readonly<Record<string, string>> = {}) => {
    const place = new URL(url);
    place.pathname = `${url.pathname.replace(/\/+$/, '')}${path === '' ? '' : `/${path}`}`;
    place.search = new URLSearchParams(query).toString();
    return place;
  };
  const get = (path: string) =>
    ask(send({ method: 'GET', url: at(path), timeoutMs: requestTimeoutMs }));
  return {
    async get(path) {
      return nodeOf(await get(path));
    },
    async list() {
      const answer = await get('');
      const nodes = (answer.node as { readonly nodes?: unknown } | undefined)?.nodes ?? [];
      if (!Array.isArray(nodes)) throw new ForeignAnswer('the token is no directory');
      return { keys: nodes.map((node) => keyOf(node)), index: answer.index };
    },
    async create(name, value) {
      const method = 'PUT';
      const place = at(name, { prevExist: 'false' });
      const request = { method, url: place, form: { value }, timeoutMs: requestTimeoutMs } as const;
      return nodeOf(await ask(send(request)));
    },
    async wait(name, index) {
      const query = {
        wait: 'true',
        waitIndex: String(index),
        recursive: String(name === undefined),
      };
      const request = { method: 'GET', url: at(name ?? '', query) } as const;
      const answer = await reach(send(request));
      return answer.status === 200 && answer.body.trim() === '' ? undefined : nodeOf(read(answer));
    },
  };
}

/** An answer of the v2 API. */
interface KeysAnswer {
  readonly node: unknown;
  readonly index: number;
}

async function ask(sending: Promise<HttpAnswer>): Promise<KeysAnswer> {
  return read(await reach(sending));
}

async function reach(sending: Promise<HttpAnswer>): Promise<HttpAnswer> {
  let answer: HttpAnswer;
  try {
    answer = await sending;
  } catch (error) {
    // A name with several addresses fails with one error for each.
    const errors = error instanceof AggregateError ? error.errors : [error];
    throw new ServiceFailure(errors.map((one) => (one as Error).message).join('; '), {
      cause: error,
    });
  }
  if (answer.status < 500) return answer;
  throw new ServiceFailure(
    `the service answered with status ${answer.status}: ${answer.body.trim()}`,
  );
}

function read({ status, headers, body }: HttpAnswer): KeysAnswer {
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(body);
  } catch {
    throw new ForeignAnswer(`the answer is no JSON: ${JSON.stringify(body.slice(0, 100))}`);
  }
  if (status === 200 || status === 201) {
    return { node: document.node, index: Number(headers['x-etcd-index'] ?? 0) };
  }
  const { errorCode, message, cause, index } = document;
  if (typeof errorCode !== 'number') {
    throw new ForeignAnswer(`the answer has the status ${status} and no error code`);
  }
  throw new KeysError(errorCode, String(message), String(cause ?? ''), Number(index ?? 0));
}

function nodeOf({ node }: KeysAnswer): TokenKey {
  return keyOf(node);
}

function keyOf(node: unknown): TokenKey {
  const {
    key,
    value = '',
    createdIndex = 0,
    modifiedIndex = 0,
  } = (node ?? {}) as {
    readonly key?: unknown;
    readonly value?: unknown;
    readonly createdIndex?: unknown;
    readonly modifiedIndex?: unknown;
  };
  if (typeof key !== 'string') throw new ForeignAnswer('the answer has no key');
  const name = key.slice(key.lastIndexOf('/') + 1);
  const indexes = { createdIndex: Number(createdIndex), modifiedIndex: Number(modifiedIndex) };
  return { name, value: String(value), ...indexes };
}
