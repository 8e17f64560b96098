import { parseAnswer } from './parse-answer.ts';
import { KeysError } from './v2-errors.ts';
import type { V2Answer, V2Http, V2Request } from './v2-http.ts';

/** A key or a directory, as the server tells of it. */
export interface V2Node {
  readonly key?: string;
  readonly dir?: boolean;
  /** Nothing for directories and what was deleted. */
  readonly value?: string;
  readonly nodes?: readonly V2Node[];
  readonly createdIndex?: number;
  readonly modifiedIndex?: number;
  /** A moment, as RFC 3339. */
  readonly expiration?: string;
  /** In seconds. */
  readonly ttl?: number;
}

/** What a call has done, or a watch has seen. */
export interface V2Event {
  readonly action: string;
  readonly node: V2Node;
  readonly prevNode: V2Node | undefined;
  /** Of the store. */
  readonly index: number;
}

/** How a key is written. */
export interface SetOptions {
  /** For a file; without it a directory is meant. */
  readonly value?: string;
  /** In seconds; 0 for none. */
  readonly ttl?: bigint;
  readonly prevExist?: boolean;
  /** Empty for any. */
  readonly prevValue?: string;
  /** 0 for any. */
  readonly prevIndex?: bigint;
}

export interface DeleteOptions {
  readonly dir?: boolean;
  readonly recursive?: boolean;
  readonly prevValue?: string;
  readonly prevIndex?: bigint;
}

export interface GetOptions {
  readonly recursive?: boolean;
  readonly sorted?: boolean;
  /** Whether a majority has to agree. */
  readonly quorum?: boolean;
}

export interface WatchOptions {
  readonly recursive?: boolean;
  /** The first event is one after this index; 0 for the next one. */
  readonly afterIndex?: bigint;
}

/** etcd's v2 keys. All calls reject with `V2CallError`; a refusal is a `KeysError`. */
export class KeysApi {
  readonly #http: V2Http;

  constructor(http: V2Http) {
    this.#http = http;
  }

  get(key: string, options: GetOptions, signal: AbortSignal): Promise<V2Event> {
    const { recursive = false, sorted = false, quorum = false } = options;
    const query = [`quorum=${quorum}`, `recursive=${recursive}`, `sorted=${sorted}`];
    return this.#call('GET', key, query, undefined, signal);
  }

  set(key: string, options: SetOptions, signal: AbortSignal): Promise<V2Event> {
    const { value, ttl = 0n, prevExist, prevValue = '', prevIndex = 0n } = options;
    const query = [
      ...(value === undefined ? ['dir=true'] : []),
      ...(prevExist === undefined ? [] : [`prevExist=${prevExist}`]),
      ...(prevIndex === 0n ? [] : [`prevIndex=${prevIndex}`]),
      ...(prevValue === '' || value === undefined ? [] : [`prevValue=${formText(prevValue)}`]),
    ];
    return this.#call('PUT', key, query, form(ttl, value), signal);
  }

  /** Makes a key under a directory, whose name is a number larger than those before it. */
  createInOrder(
    directory: string,
    value: string,
    ttl: bigint,
    signal: AbortSignal,
  ): Promise<V2Event> {
    return this.#call('POST', directory, [], form(ttl, value), signal);
  }

  delete(key: string, options: DeleteOptions, signal: AbortSignal): Promise<V2Event> {
    const { dir = false, recursive = false, prevValue = '', prevIndex = 0n } = options;
    const query = [
      ...(dir ? ['dir=true'] : []),
      ...(prevIndex === 0n ? [] : [`prevIndex=${prevIndex}`]),
      ...(prevValue === '' ? [] : [`prevValue=${formText(prevValue)}`]),
      ...(recursive ? ['recursive=true'] : []),
    ];
    return this.#call('DELETE', key, query, undefined, signal);
  }

  /** Events of a key, until the signal fires. */
  async *watch(key: string, options: WatchOptions, signal: AbortSignal): AsyncGenerator<V2Event> {
    const { recursive = false, afterIndex = 0n } = options;
    let waitIndex = afterIndex === 0n ? 0 : Number(afterIndex) + 1;
    while (!signal.aborted) {
      const query = [`recursive=${recursive}`, 'wait=true', `waitIndex=${waitIndex}`];
      const answer = await this.#http.ask(requestOf('GET', key, query, undefined), signal);
      // The server has given the watch up, as for a stop.
      if (answer.body === '') continue;
      const event = eventOf(answer);
      yield event;
      waitIndex = (event.node.modifiedIndex ?? 0) + 1;
    }
  }

  async #call(
    method: V2Request['method'],
    key: string,
    query: readonly string[],
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<V2Event> {
    return eventOf(await this.#http.ask(requestOf(method, key, query, body), signal));
  }
}

function requestOf(
  method: V2Request['method'],
  key: string,
  query: readonly string[],
  body: string | undefined,
): V2Request {
  const path = `/v2/keys${pathOf(key)}${query.length > 0 ? `?${query.join('&')}` : ''}`;
  if (body === undefined) return { method, path };
  return { method, path, body, contentType: 'application/x-www-form-urlencoded' };
}

function form(ttl: bigint, value: string | undefined): string {
  return [
    ...(ttl > 0n ? [`ttl=${ttl}`] : []),
    ...(value === undefined ? [] : [`value=${formText(value)}`]),
  ].join('&');
}

/** As Go escapes a value of a form. */
function formText(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, percent)
    .replaceAll('%20', '+');
}

/** The path of a key: from the root, without empty parts or dots; as Go escapes it. */
function pathOf(key: string): string {
  const parts: string[] = [];
  for (const part of key.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const isFolder = key.endsWith('/') && parts.length > 0;
  const path = `/${parts.join('/')}${isFolder ? '/' : ''}`;
  return encodeURI(path).replace(/[?#!'()*]/g, percent);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function eventOf({ status, headers, body }: V2Answer): V2Event {
  const parsed = parseAnswer(body);
  if (status !== 200 && status !== 201) {
    const { errorCode = 0, message = '', cause = '', index = 0 } = parsed;
    throw new KeysError(Number(errorCode), String(message), String(cause), Number(index));
  }
  return {
    action: String(parsed.action ?? ''),
    node: (parsed.node ?? {}) as V2Node,
    prevNode: parsed.prevNode as V2Node | undefined,
    index: Number(headers['x-etcd-index'] ?? 0),
  };
}
